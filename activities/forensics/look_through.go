package forensics

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/custody"
	"github.com/firebreak-ir/firebreak/forensics/analysis"
	"github.com/firebreak-ir/firebreak/forensics/containers"
	"github.com/firebreak-ir/firebreak/forensics/drift"
	"github.com/firebreak-ir/firebreak/forensics/findings"
	"github.com/firebreak-ir/firebreak/forensics/image"
	"github.com/firebreak-ir/firebreak/forensics/inventory"
	"github.com/firebreak-ir/firebreak/forensics/timeline"
)

const maxListed = 100_000 // findings of one file system; more are no list that a person reads

// through is what looking through an image gave.
type through struct {
	Findings []Finding `json:"findings"`
	Found    int       `json:"found"`
	Drift    int       `json:"drift"`
	Warnings []string  `json:"warnings"`
	items    []custody.Item
}

// looker looks through an image: what containers changed, what stands out, and what happened when.
type looker struct {
	paper

	image  string
	of     string // the snapshot, which tells its findings from those of others
	since  time.Time
	volume image.Volume
	alone  bool // the image has no other file system
	list   containers.Listing
	listed custody.Item // inventory.jsonl
	out    *through
}

// lookThrough makes evidence of all that an image says. Each file that an attempt before has finished is kept.
func (a analyzer) lookThrough(ctx context.Context, call activities.Call, disk ReadSnapshotOutput, since time.Time) (through, error) {
	out := through{Findings: []Finding{}}
	p, release, err := a.begin(ctx, call)
	if err != nil {
		return out, err
	}
	defer release()
	opened, err := openImage(p, disk.Image)
	if err != nil {
		return out, err
	}
	defer opened.close()
	for _, v := range opened.volumes {
		l := &looker{paper: p, image: disk.Image, of: disk.Snapshot, since: since, volume: v, alone: len(opened.volumes) == 1, out: &out}
		if err := l.all(ctx); err != nil {
			return out, fmt.Errorf("look through %s: %w", v.Part, err)
		}
	}
	return out, nil
}

func (l *looker) all(ctx context.Context) error {
	scratch, err := l.emptyScratch("databases")
	if err != nil {
		return err
	}
	if l.list, err = containers.List(ctx, l.volume.FS, scratch); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{l.changes, l.inventory, l.bodyfile, l.times} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// name gives a file its place beside the image; file systems of one disk are told apart by their partitions.
func (l *looker) name(base string) string {
	if l.alone {
		return beside(l.image, base)
	}
	ext := path.Ext(base)
	return beside(l.image, fmt.Sprintf("%s-p%d%s", strings.TrimSuffix(base, ext), l.volume.Part.Number, ext))
}

func (l *looker) keep(item custody.Item, err error) error {
	if err == nil {
		l.out.items = append(l.out.items, item)
	}
	return err
}

// changes writes drift.jsonl and findings.json, which come out of one pass. The second is read again for the output, so
// that it is the same whatever attempt has made it.
func (l *looker) changes(ctx context.Context) error {
	var found *through
	err := l.keep(l.put(ctx, l.name("drift.jsonl"), "drift", func(w io.Writer) (err error) {
		found, err = l.judge(ctx, w)
		return err
	}))
	if err != nil {
		return err
	}
	item, known, err := l.find(ctx, l.name("findings.json"))
	if err == nil && !known {
		if found == nil { // the attempt before was killed between the two
			found, err = l.judge(ctx, io.Discard)
		}
		if err == nil {
			item, err = l.putJSON(ctx, l.name("findings.json"), "findings", found)
		}
	}
	if err := l.keep(item, err); err != nil {
		return err
	}
	return l.read(item)
}

// judge makes the lines of drift.jsonl, and says what stands out.
func (l *looker) judge(ctx context.Context, w io.Writer) (*through, error) {
	found := &through{Findings: []Finding{}, Warnings: []string{}}
	lines := bufio.NewWriterSize(w, 64<<10)
	encoder := json.NewEncoder(lines)
	encoder.SetEscapeHTML(false)
	report, err := analysis.Findings(ctx, l.volume, analysis.FindingsOptions{
		DriftOptions: analysis.DriftOptions{Listing: l.list, Begin: func(done, total int) error {
			activities.Report(ctx, activities.Progress{Done: int64(done), Total: int64(total), Unit: "layers", Message: "compare containers with their images"})
			return ctx.Err()
		}},
		Since: l.since,
		Walked: func(entries int) error {
			activities.Report(ctx, activities.Progress{Done: int64(entries), Unit: "entries", Message: "compare the disk with its journal"})
			return ctx.Err()
		},
		Changes: func(ch drift.Change) error {
			found.Drift++
			return encoder.Encode(ch)
		},
	}, func(f analysis.Finding) error {
		if found.Found++; len(found.Findings) < maxListed {
			found.Findings = append(found.Findings, l.finding(f))
		}
		return nil
	})
	if err == nil {
		err = l.layers(ctx, found)
	}
	for _, problem := range slices.Concat(report.Unread, report.Drift.Problems) {
		found.Warnings = append(found.Warnings, oneLine(problem))
	}
	slices.SortStableFunc(found.Findings, func(a, b Finding) int {
		return slices.Index(severities(), a.Severity) - slices.Index(severities(), b.Severity)
	})
	return found, errors.Join(err, lines.Flush())
}

// layers holds the layers under the disk's containers against the digests of their images.
func (l *looker) layers(ctx context.Context, found *through) error {
	scratch, err := l.emptyScratch("images")
	if err != nil {
		return err
	}
	activities.Report(ctx, activities.Progress{Message: "hold the layers of images against their digests"})
	_, tampered, problems, err := analysis.Layers(ctx, l.volume, &l.list, scratch)
	for _, f := range tampered {
		if found.Found++; len(found.Findings) < maxListed {
			found.Findings = append(found.Findings, l.finding(f))
		}
	}
	for _, problem := range problems {
		found.Warnings = append(found.Warnings, oneLine(problem))
	}
	return err
}

// finding is what stands out in the words of an output.
func (l *looker) finding(f analysis.Finding) Finding {
	out := Finding{
		ID: findingID(l.of, f.ID), Title: f.Title, Severity: string(f.Severity), Path: oneLine(f.Disk), SHA256: f.SHA256, Alone: f.JournalOnly,
		Sentence: oneLine(f.Sentence),
	}
	if f.Place != findings.Node {
		out.Inside = oneLine(f.Path)
	}
	if f.Of != nil {
		out.Container = oneLine(cmp.Or(f.Of.Name, f.Of.Container[:min(len(f.Of.Container), 12)]))
		if f.Of.Pod != "" {
			out.Pod = oneLine(f.Of.Namespace + "/" + f.Of.Pod)
		}
	}
	if f.JournalOnly {
		out.Sentence = oneLine(f.Sentence + "; it stands in the file system's journal alone")
	}
	out.Title = out.headline() // a ticket of its own each
	return out
}

// read takes what findings.json says into the output.
func (l *looker) read(item custody.Item) error {
	raw, err := l.content(item)
	if err != nil {
		return err
	}
	var one through
	if err := json.Unmarshal(raw, &one); err != nil {
		return fmt.Errorf("read %q: %w", item.Path, err)
	}
	l.out.Findings = append(l.out.Findings, one.Findings...)
	l.out.Found, l.out.Drift = l.out.Found+one.Found, l.out.Drift+one.Drift
	l.out.Warnings = append(l.out.Warnings, one.Warnings...)
	return nil
}

// bodyfile writes what mactime and plaso read.
func (l *looker) bodyfile(ctx context.Context) error {
	return l.keep(l.put(ctx, l.name("bodyfile"), "body file", func(w io.Writer) error {
		body := timeline.NewBody(w, "/")
		err := l.entries(ctx, func(e inventory.Entry) error { return body.Add(e.Path, e.Target, &e.Stat) })
		return errors.Join(err, body.Flush())
	}))
}

// times writes what Timesketch reads, with what the responder did marked.
func (l *looker) times(ctx context.Context) error {
	return l.keep(l.put(ctx, l.name("timeline.jsonl"), "timeline", func(w io.Writer) error {
		scratch, err := l.emptyScratch("timeline")
		if err != nil {
			return err
		}
		actions, err := l.actions()
		if err != nil {
			return err
		}
		made, _, err := analysis.Timeline(ctx, l.volume, analysis.TimelineOptions{
			Listing: l.list, Actions: actions, Scratch: scratch,
			Entries: func(do func(inventory.Entry) error) error { return l.entries(ctx, do) },
		})
		if err != nil {
			return err
		}
		buffered := bufio.NewWriterSize(w, 256<<10)
		return errors.Join(made.Timesketch(ctx, buffered), buffered.Flush(), made.Close())
	}))
}

// actions are what other steps of the case did, as the custody log has it.
func (l *looker) actions() ([]timeline.Action, error) {
	entries, err := l.c.Log()
	if err != nil {
		return nil, err
	}
	var out []timeline.Action
	for _, e := range entries {
		if e.By != l.by {
			out = append(out, timeline.Action{Time: e.Time, What: strings.TrimSpace(fmt.Sprintf("%s %s %s", e.Action, e.Item.Path, e.Text)), Who: "firebreak", Step: e.By.Step})
		}
	}
	return out, nil
}
