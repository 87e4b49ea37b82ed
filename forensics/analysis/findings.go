package analysis

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"time"

	"github.com/firebreak-ir/firebreak/forensics/drift"
	"github.com/firebreak-ir/firebreak/forensics/findings"
	"github.com/firebreak-ir/firebreak/forensics/image"
	"github.com/firebreak-ir/firebreak/forensics/lastwrites"
	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// Finding is one thing that stands out on a file system.
type Finding struct {
	findings.Finding
	JournalOnly bool `json:"journalOnly"` // a reader that does not replay the journal misses it
}

// FindingsOptions choose where things that stand out are looked for.
type FindingsOptions struct {
	DriftOptions
	// Since is from when on what changed on the node itself counts, and in layers that no container owns; what only the
	// journal knows counts whenever it was. Containers' own layers and their pods' volumes are looked through as a whole.
	Since time.Time
	// Changes is given every change of a container, which Drift would give; nil: nobody wants them.
	Changes func(drift.Change) error
	Judge   findings.Options
	// Walked is told how many entries of the node's own files were looked at; its error ends the work.
	Walked func(entries int) error
}

// FindingsReport says what was looked through.
type FindingsReport struct {
	Drift   findings.Report `json:"drift"`
	Alone   int             `json:"journalOnly"` // changes that only the journal knows
	Excused map[string]int  `json:"excused,omitempty"`
	Unread  []string        `json:"unread,omitempty"` // the first thousand
	More    int             `json:"moreUnread,omitempty"`
}

const hashed = 10 << 30 // bytes of the node's own files that changed

// Findings gives to do what stands out on a file system: first on the node and in layers that nobody owns, then in what
// containers changed, each in the order of its walk. An error is the context's, do's, or of this machine.
func Findings(ctx context.Context, v image.Volume, opts FindingsOptions, do func(Finding) error) (FindingsReport, error) {
	judge, err := findings.NewJudge(opts.Judge)
	if err != nil {
		return FindingsReport{}, err
	}
	f := &finder{
		ctx: ctx, v: v, opts: opts, judge: judge, do: do, layers: lastwrites.NewLayers(v.FS, opts.Listing),
		alone: map[string]bool{}, report: FindingsReport{Excused: map[string]int{}},
	}
	for _, pod := range opts.Listing.Pods {
		f.volumes = append(f.volumes, pod.EmptyDirs()...)
	}
	err = lastwrites.Compare(ctx, v, lastwrites.Options{
		Since: opts.Since, Directories: true, Layers: f.layers, Hash: lastwrites.NewBudget(hashed), Progress: opts.Walked,
	}, f.written)
	if err != nil {
		return f.report, err
	}
	f.report.Drift, err = opts.search(v, judge).Run(ctx, f.drifted)
	return f.report, err
}

type finder struct {
	ctx     context.Context
	v       image.Volume
	opts    FindingsOptions
	judge   *findings.Judge
	do      func(Finding) error
	layers  *lastwrites.Layers
	volumes []string // directories of pods' volumes, which drift looks through
	alone   map[string]bool
	age     layerAge
	report  FindingsReport
}

func (f *finder) unread(path, why string) {
	if len(f.report.Unread) == maxProblems {
		f.report.More++
		return
	}
	f.report.Unread = append(f.report.Unread, path+": "+why)
}

// written judges what changed on the node, and remembers of the rest what only the journal knows.
func (f *finder) written(ch lastwrites.Change) error {
	if ch.Kind == lastwrites.Unread {
		f.unread("/"+ch.Path, ch.Problem)
		return nil
	}
	if ch.Alone {
		if f.report.Alone++; len(f.alone) < maxAlone {
			f.alone[ch.Path] = true
		}
	}
	if f.opts.Container != "" || ch.Container != "" || ch.Inside != "" && ch.Layer == "" || f.inVolume(ch.Path) {
		return nil
	}
	s := findings.Subject{Partition: f.v.Part.Number, Place: findings.Node}
	seen := ch.Path
	if ch.Layer != "" {
		s.Place, s.Age, seen = findings.Orphan, f.age.of(f.v.FS, ch.Layer), strings.TrimPrefix(ch.Inside, "/")
	}
	s.Change = f.change(ch, seen)
	return f.look(s)
}

func (f *finder) inVolume(p string) bool {
	for _, dir := range f.volumes {
		if strings.HasPrefix(p, dir+"/") {
			return true
		}
	}
	return false
}

// change is what lastwrites found in the words of drift.
func (f *finder) change(ch lastwrites.Change, seen string) drift.Change {
	verdict := map[lastwrites.Kind]drift.Verdict{
		lastwrites.Added: drift.Added, lastwrites.Modified: drift.Modified, lastwrites.Metadata: drift.Mode, lastwrites.Deleted: drift.Deleted,
	}[ch.Kind]
	if ch.Type == lastwrites.Whiteout {
		verdict = drift.Deleted
	}
	if verdict != drift.Deleted {
		if info, err := f.v.Lstat(ch.Path); err == nil {
			out := drift.Found(verdict, f.v.FS, ch.Path, seen, info)
			out.New.SHA256 = ch.SHA256
			return out
		}
	}
	return drift.Change{Verdict: verdict, Path: "/" + seen, Disk: ch.Path, Old: &drift.State{Type: ch.Type, Mode: ch.Mode, UID: ch.UID, GID: ch.GID, Size: ch.Size}}
}

// drifted takes what a container changed, and what the judge says of it.
func (f *finder) drifted(s findings.Subject, judged findings.Judgement) error {
	if f.opts.Changes != nil {
		if err := f.opts.Changes(s.Change); err != nil {
			return err
		}
	}
	if s.Verdict == drift.Unread {
		f.unread("/"+s.Disk, s.Problem)
		return nil
	}
	return f.judged(s, judged)
}

func (f *finder) look(s findings.Subject) error {
	judged, err := f.judge.Look(f.ctx, s)
	if err != nil {
		return err
	}
	return f.judged(s, judged)
}

func (f *finder) judged(s findings.Subject, judged findings.Judgement) error {
	if judged.Excuse != "" {
		f.report.Excused[judged.Excuse]++
	}
	if judged.Unread != "" {
		f.unread("/"+s.Disk, judged.Unread)
	}
	for _, found := range judged.Findings {
		if err := f.do(Finding{Finding: found, JournalOnly: f.alone[s.Disk]}); err != nil {
			return err
		}
	}
	return nil
}

// layerAge remembers the age of the layer that was asked for last: a walk comes to the files of a layer one after another.
type layerAge struct {
	dir string
	age findings.LayerAge
}

func (l *layerAge) of(disk volume.Tree, dir string) *findings.LayerAge {
	if l.dir != dir {
		l.dir, l.age = dir, findings.LayerAge{}
		info, err := disk.Lstat(dir)
		l.age.Removed = errors.Is(err, fs.ErrNotExist)
		if err == nil {
			stat, _ := volume.StatOf(info)
			l.age.Created = stat.Created
		}
	}
	age := l.age
	return &age
}
