package forensics

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/custody"
	"github.com/firebreak-ir/firebreak/forensics/containers"
)

// LastWritesInput is the input of forensics.last_writes.
type LastWritesInput struct {
	Image string    `json:"image" doc:"The disk image's path inside the case, as forensics.read_snapshot gives it"`
	Since time.Time `json:"since,omitzero" doc:"Files whose inode changed at or after this time are listed too, wherever they stand; without it, only what the journal alone knows"`
}

// LastWritesOutput is the output of forensics.last_writes.
type LastWritesOutput struct {
	activities.Result

	Total    int            `json:"total" doc:"Files that were listed"`
	Alone    int            `json:"journalOnly" doc:"Those of them that only the journal knows in their newest state"`
	Findings []Finding      `json:"findings" doc:"Those that a responder reads first, the worst first; all are in the evidence"`
	Journal  Journal        `json:"journal" doc:"What only the file system's journal held"`
	Warnings []string       `json:"warnings,omitempty" doc:"What could not be compared, and where"`
	Items    []custody.Item `json:"items" doc:"The evidence"`
}

// Finding is one file that stands out.
type Finding struct {
	Title    string `json:"title" doc:"What kind of thing it is"`
	Severity string `json:"severity" doc:"critical, high, medium or low"`
	Path     string `json:"path" doc:"On the disk"`
	SHA256   string `json:"sha256,omitempty" doc:"SHA-256 of its content, where it was read"`
	Alone    bool   `json:"journalOnly" doc:"It stands in the file system's journal alone: a reader that does not replay it misses it"`
	Sentence string `json:"sentence" doc:"The same for a person"`
}

const (
	maxFindings = 50
	maxCompared = 3 << 20 // entries of one file system
)

// LastWrites declares forensics.last_writes.
func LastWrites(d Deps) activities.Definition {
	return activities.Define(activities.Activity[LastWritesInput, LastWritesOutput]{
		Name: "forensics.last_writes",
		Summary: "Finds the files that were written last before the snapshot: those that only the file system's journal knows, " +
			"which most readers of disk images miss, and those that changed since a time, such as that of the alert.",
		Effect:      activities.Capture,
		Volatility:  activities.Disk,
		Place:       activities.OnAnalysis,
		Idempotency: "The same image gives the same list, which is evidence and is written once for one key.",
		Timeout:     2 * time.Hour,
		Heartbeat:   15 * time.Second,
		Example: `id: last
phase: analyze
uses: forensics.last_writes
with:
  image: data/snap-0123456789abcdef0/image.raw
  since: ${{ alert.time - duration('10m') }}
`,
		Run: lastWrites{d}.run,
	})
}

type lastWrites struct{ Deps }

func (l lastWrites) run(ctx context.Context, call activities.Call, in LastWritesInput) (LastWritesOutput, error) {
	if call.DryRun {
		return LastWritesOutput{Result: would(in.Image, "find what was written last on the image"), Findings: []Finding{}, Items: []custody.Item{}}, nil
	}
	p, err := l.open(call)
	if err != nil {
		return LastWritesOutput{}, err
	}
	image, err := openImage(p, in.Image)
	if err != nil {
		return LastWritesOutput{}, err
	}
	defer image.close()
	if len(image.volumes) == 0 {
		return LastWritesOutput{
			Result: image.nothing(), Findings: []Finding{}, Warnings: fitTexts(image.damage(), warningRoom), Items: []custody.Item{},
		}, nil
	}
	var all []change
	warnings := image.damage()
	for _, v := range image.volumes {
		found, said, err := changesOn(ctx, p, v, in.Since)
		if err != nil {
			return LastWritesOutput{}, fmt.Errorf("compare %s with its journal: %w", v.part, err)
		}
		all, warnings = append(all, found...), append(warnings, said...)
	}
	item, err := p.put(ctx, beside(in.Image, "last-writes.jsonl"), "last writes", func(w io.Writer) error { return writeLines(w, all) })
	if err != nil {
		return LastWritesOutput{}, err
	}
	return lastOutput(image, in.Since, all, warnings, item), nil
}

func writeLines(w io.Writer, all []change) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	for _, c := range all {
		if err := e.Encode(c); err != nil {
			return err
		}
	}
	return nil
}

func lastOutput(image opened, since time.Time, all []change, warnings []string, item custody.Item) LastWritesOutput {
	out := LastWritesOutput{Total: len(all), Findings: []Finding{}, Journal: image.journal(), Warnings: fitTexts(warnings, warningRoom), Items: []custody.Item{item}}
	for _, c := range all {
		if c.Alone {
			out.Alone++
		}
		if c.Severity != "" {
			out.Findings = append(out.Findings, c.finding())
		}
	}
	order := []string{"critical", "high", "medium", "low"}
	slices.SortStableFunc(out.Findings, func(a, b Finding) int {
		return slices.Index(order, a.Severity) - slices.Index(order, b.Severity)
	})
	found := len(out.Findings)
	out.Findings = fit(out.Findings[:min(found, maxFindings)], listRoom)
	out.Result = told(out, since, found)
	out.Summary += more(found-len(out.Findings)) + image.missed()
	return out
}

func told(out LastWritesOutput, since time.Time, found int) activities.Result {
	switch {
	case !since.IsZero():
		return done("%s since %s, %d of them in the journal alone; %d stand out",
			count(out.Total, "change"), since.UTC().Format("2006-01-02 15:04:05 MST"), out.Alone, found)
	case out.Journal.Transactions == 0:
		return done("the journal holds nothing that is not in its place on the disk")
	}
	return done("%s of the last seconds before the snapshot stood in the journal alone; %d of them stand out", count(out.Total, "change"), found)
}

// changesOn compares a file system as it lies on the disk with the same after its journal's replay, and takes in what
// changed since that time. The kernel writes a disk's metadata to its place every half minute, whatever its age: what
// was written seconds before the snapshot may stand in either view.
func changesOn(ctx context.Context, p paper, v volume, since time.Time) ([]change, []string, error) {
	replayed := v.disk.Replayed().Transactions > 0
	if !replayed && since.IsZero() {
		return nil, nil, nil
	}
	owners, err := layersOf(ctx, p, v)
	if err != nil {
		return nil, nil, err
	}
	c := &comparison{ctx: ctx, disk: v.disk, owners: owners, replayed: replayed, since: since, before: map[string]signature{}}
	if replayed {
		if err := c.lookBefore(v); err != nil {
			return nil, nil, err
		}
	}
	if err := v.disk.Walk(".", c.compare); err != nil {
		return nil, nil, err
	}
	c.deletions()
	return c.changes, c.warnings, nil
}

// layersOf gives the containers by the directories of their own layers.
func layersOf(ctx context.Context, p paper, v volume) (map[string]containers.Container, error) {
	scratch, err := p.emptyScratch("databases")
	if err != nil {
		return nil, err
	}
	listing, err := containers.List(ctx, v.disk, scratch)
	if err != nil {
		return nil, errors.Join(errors.New("list containers"), err)
	}
	out := map[string]containers.Container{}
	for _, c := range listing.Containers {
		if c.Layer != "" {
			out[c.Layer] = c
		}
	}
	return out, nil
}

// owner gives the container in whose own layer a path lies, and the path as the container sees it.
func owner(owners map[string]containers.Container, p string) (containers.Container, string, bool) {
	for at := 0; at < len(p); at++ {
		if p[at] != '/' {
			continue
		}
		if c, ok := owners[p[:at]]; ok {
			return c, p[at:], true
		}
	}
	return containers.Container{}, "/" + strings.TrimPrefix(p, "/"), false
}
