package forensics

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/custody"
	"github.com/firebreak-ir/firebreak/forensics/lastwrites"
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
	Found    int            `json:"found" doc:"How many stand out"`
	Journal  Journal        `json:"journal" doc:"What only the file system's journal held"`
	Warnings []string       `json:"warnings,omitempty" doc:"What could not be compared, and where"`
	Items    []custody.Item `json:"items" doc:"The evidence"`
}

// Finding is one file that stands out.
type Finding struct {
	ID        string `json:"id" doc:"The same for the same finding on the same disk"`
	Title     string `json:"title" doc:"What kind of thing it is"`
	Severity  string `json:"severity" doc:"critical, high, medium or low"`
	Path      string `json:"path" doc:"On the disk"`
	Inside    string `json:"inside,omitempty" doc:"In a layer: its path as the container sees it"`
	Container string `json:"container,omitempty" doc:"The container whose layer it lies in"`
	Pod       string `json:"pod,omitempty" doc:"That container's pod"`
	SHA256    string `json:"sha256,omitempty" doc:"SHA-256 of its content, where it was read"`
	Alone     bool   `json:"journalOnly" doc:"It stands in the file system's journal alone: a reader that does not replay it misses it"`
	Sentence  string `json:"sentence" doc:"The same for a person"`
}

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
	p, release, err := l.begin(ctx, call)
	if err != nil {
		return LastWritesOutput{}, err
	}
	defer release()
	image, err := openImage(p, in.Image)
	if err != nil {
		return LastWritesOutput{}, err
	}
	defer image.close()
	if len(image.volumes) == 0 {
		return LastWritesOutput{
			Result: image.nothing(), Findings: []Finding{}, Warnings: warningsOf(image.damage()), Items: []custody.Item{},
		}, nil
	}
	item, err := l.list(ctx, p, image, in)
	if err != nil {
		return LastWritesOutput{}, err
	}
	t, err := tallyOf(ctx, p, item)
	if err != nil {
		return LastWritesOutput{}, err
	}
	return lastOutput(image, in.Since, t, item), nil
}

// list makes evidence of all changes, or gives what an attempt before has made. It is written in the scratch directory,
// where the next attempt goes on.
func (l lastWrites) list(ctx context.Context, p paper, image opened, in LastWritesInput) (custody.Item, error) {
	name := beside(in.Image, "last-writes.jsonl")
	if item, found, err := p.find(ctx, name); found || err != nil {
		return item, err
	}
	scratch, err := p.c.Scratch(p.by)
	if err != nil {
		return custody.Item{}, err
	}
	out, err := openLines(filepath.Join(scratch, "last-writes.jsonl"))
	if err != nil {
		return custody.Item{}, err
	}
	hash := lastwrites.NewBudget(cmp.Or(l.HashBytes, maxAllHashed))
	for _, v := range image.volumes {
		if err := changesOn(ctx, p, v, in.Since, hash, out); err != nil {
			return custody.Item{}, errors.Join(fmt.Errorf("compare %s with its journal: %w", v.Part, err), out.close())
		}
	}
	if err := out.close(); err != nil {
		return custody.Item{}, fmt.Errorf("write the list of changes: %w", err)
	}
	item, err := p.c.Adopt(ctx, p.by, name, "last writes", out.file.Name())
	return item, writtenOnce(err)
}

func lastOutput(image opened, since time.Time, t *tally, item custody.Item) LastWritesOutput {
	warnings := append(image.damage(), t.warnings...)
	out := LastWritesOutput{
		Total: t.total, Alone: t.alone, Found: t.found, Findings: fit(t.worst(), listRoom), Journal: image.journal(),
		Warnings: fitTexts(warnings, len(warnings)+t.unread-len(t.warnings), warningRoom), Items: []custody.Item{item},
	}
	out.Result = told(out, since, t.found)
	if t.unhashed > 0 {
		out.Summary += fmt.Sprintf("; %s not hashed", count(t.unhashed, "file"))
	}
	if t.unjudged > 0 {
		out.Summary += fmt.Sprintf("; %s of unpacked images or removed layers not judged", count(t.unjudged, "file"))
	}
	out.Summary += more(t.found-len(out.Findings)) + image.missed()
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
