package evidence

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/custody"
)

// CheckInput is the input of evidence.check.
type CheckInput struct {
	Steps     []string    `json:"steps" doc:"Paths of the steps that took the evidence, with iterations, such as live[0]/processes"`
	Elsewhere []Elsewhere `json:"elsewhere,omitempty" doc:"Evidence of these steps that is no file here"`
}

// Elsewhere is evidence that somebody else keeps, such as a snapshot in the cloud.
type Elsewhere struct {
	Step string `json:"step" doc:"Path of the step"`
	What string `json:"what" doc:"What it is and where, such as snapshots snap-0a, snap-0b"`

	Snapshots []string `json:"snapshots,omitempty" doc:"Ids of EBS snapshots: it is asked whether they are still there and complete"`
	Region    string   `json:"region,omitempty" doc:"Their AWS region; the worker's own when empty"`
}

// Snapshots tells whether snapshots in the cloud are still there and complete: NotFound or Corrupt where one is not, and any
// other error where nobody could be asked.
type Snapshots interface {
	Check(ctx context.Context, region string, ids []string) error
}

// CheckOutput is the output of evidence.check.
type CheckOutput struct {
	activities.Result

	Files     int `json:"files" doc:"How many files were read and have the SHA-256 that the custody log says"`
	Elsewhere int `json:"elsewhere" doc:"How many steps' evidence is kept elsewhere: it was asked for where that is possible, and is noted"`
}

// Check declares evidence.check.
func Check(store Store, snapshots Snapshots) activities.Definition {
	return activities.Define(activities.Activity[CheckInput, CheckOutput]{
		Name:        "evidence.check",
		Summary:     "Reads evidence again and compares it with the custody log, and asks whether its snapshots are still there; runs before a step that requires it.",
		Effect:      activities.Capture,
		Volatility:  activities.Unvolatile,
		Place:       activities.OnAnalysis,
		Idempotency: "It reads files and notes the same text once.",
		Permissions: []activities.Permission{
			{IAM: "ec2:DescribeSnapshots", Why: "see that snapshots which are evidence are still there"},
		},
		Timeout:   30 * time.Minute,
		Heartbeat: time.Minute,
		Example: `id: check
phase: resolve
uses: evidence.check
with: {steps: ["logs[0]/read_logs"]}
timeout: 30m
`,
		Run: checker{store, snapshots}.run,
	})
}

type checker struct {
	store     Store
	snapshots Snapshots
}

func (k checker) run(ctx context.Context, call activities.Call, in CheckInput) (CheckOutput, error) {
	out := CheckOutput{Result: activities.Result{Status: activities.Done}}
	if call.DryRun {
		out.Result = would("custody.jsonl", fmt.Sprintf("check the evidence of %d steps", len(in.Steps)))
		return out, nil
	}
	c, by, err := open(k.store, call)
	if err != nil {
		return out, err
	}
	entries, err := c.Log()
	if err != nil {
		return out, err
	}
	for _, step := range in.Steps {
		files, err := checkStep(ctx, c, entries, step)
		if err != nil {
			return out, err
		}
		out.Files += files
		if files > 0 {
			continue
		}
		if err := k.elsewhere(ctx, c, by, in.Elsewhere, step); err != nil {
			return out, err
		}
		out.Elsewhere++
	}
	out.Summary = fmt.Sprintf("%d files of evidence are what they were", out.Files)
	if out.Elsewhere > 0 {
		out.Summary += fmt.Sprintf("; the evidence of %d steps is kept elsewhere, and was noted", out.Elsewhere)
	}
	return out, nil
}

// elsewhere notes evidence of a step that is no file here, after it was asked for where that is possible.
func (k checker) elsewhere(ctx context.Context, c *custody.Case, by custody.By, list []Elsewhere, step string) error {
	for _, one := range list {
		if one.Step != step || strings.TrimSpace(one.What) == "" {
			continue
		}
		text := fmt.Sprintf("evidence of step %s is kept elsewhere: %s", step, one.What)
		if len(one.Snapshots) > 0 {
			if err := k.there(ctx, one); err != nil {
				return fmt.Errorf("evidence of step %q: %w", step, err)
			}
			text += ", which are there and complete"
		}
		return c.Note(by, text)
	}
	return missing(fmt.Errorf("the custody log has no evidence of step %q", step))
}

// there fails where a snapshot is gone: nothing may be destroyed then.
func (k checker) there(ctx context.Context, e Elsewhere) error {
	if k.snapshots == nil {
		return errors.New("this worker cannot ask for snapshots")
	}
	err := k.snapshots.Check(ctx, e.Region, e.Snapshots)
	switch kind, _ := activities.KindOf(err); kind {
	case activities.NotFound, activities.Corrupt:
		return missing(err)
	}
	return err
}

// checkStep reads every file that a step has added, and gives their number.
func checkStep(ctx context.Context, c *custody.Case, entries []custody.Entry, step string) (int, error) {
	files := 0
	for _, e := range entries {
		if e.Action != custody.Added || e.By.Step != step {
			continue
		}
		if err := sameFile(ctx, c, e.Item); err != nil {
			return files, fmt.Errorf("evidence of step %q: %w", step, err)
		}
		files++
	}
	return files, nil
}

func sameFile(ctx context.Context, c *custody.Case, item custody.Item) error {
	name, err := c.Path(item.Path)
	if err != nil {
		return err
	}
	f, err := os.Open(name)
	if errors.Is(err, os.ErrNotExist) {
		return missing(fmt.Errorf("the file %q of the evidence is gone", item.Path))
	}
	if err != nil {
		return err
	}
	defer f.Close()
	hash := sha256.New()
	if _, err := io.CopyBuffer(hash, &reading{ctx: ctx, file: f, item: item}, make([]byte, readAtOnce)); err != nil {
		return fmt.Errorf("read %q: %w", item.Path, err)
	}
	if sum := hex.EncodeToString(hash.Sum(nil)); sum != item.SHA256 {
		return missing(fmt.Errorf("the file %q of the evidence is not what it was: its SHA-256 is %s, and the custody log says %s", item.Path, sum, item.SHA256))
	}
	return nil
}

func missing(err error) error {
	return activities.Permanent(activities.GuardTripped, err, "take the evidence and retry, or skip the step with a reason; nothing was destroyed")
}

const readAtOnce = 1 << 20

// reading stops reading a large file when the activity is to end, and says how far it is.
type reading struct {
	ctx  context.Context
	file io.Reader
	item custody.Item
	done int64
}

// Read is io.Reader's.
func (r *reading) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := r.file.Read(p)
	r.done += int64(n)
	activities.Report(r.ctx, activities.Progress{Done: r.done, Total: r.item.Size, Unit: "bytes", Message: "read " + r.item.Path})
	return n, err
}
