// Package analysis reads one file system for every question that a responder asks of it: it joins the packages that know
// files, containers, changes and times, so that the command line and the activities give the same answers.
package analysis

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/firebreak-ir/firebreak/forensics/containers"
	"github.com/firebreak-ir/firebreak/forensics/image"
	"github.com/firebreak-ir/firebreak/forensics/inventory"
	"github.com/firebreak-ir/firebreak/forensics/lastwrites"
	"github.com/firebreak-ir/firebreak/forensics/timeline"
)

// TimelineOptions choose what goes into a timeline. Scratch must be set.
type TimelineOptions struct {
	Listing containers.Listing // as containers.List gave it
	Actions []timeline.Action  // what the responder did
	Scratch string             // a directory of this machine
	Taken   time.Time          // when the disk was taken; zero where nobody knows
	Filter  timeline.Filter
	Body    io.Writer // gets the body file of the whole file system; nil: nobody wants it
	// Entries gives every entry of the file system in the order of its walk, where the caller has them; nil scans it with
	// Scan.
	Entries func(do func(inventory.Entry) error) error
	Scan    inventory.Options
}

// TimelineReport says what went into a timeline, and what could not.
type TimelineReport struct {
	Entries  int64              `json:"entries"` // of the file system
	Events   int64              `json:"events"`  // after the filter
	Alone    int                `json:"journalOnly"`
	Logs     timeline.LogReport `json:"logs"`
	Problems []string           `json:"problems,omitempty"` // the first of them
	More     int                `json:"moreProblems,omitempty"`
}

const (
	maxProblems = 1000
	maxAlone    = 1 << 20 // paths that only the journal knows, held in memory to mark them
)

// Timeline puts the times of a file system's entries, of its containers and its logs into one order, with the responder's
// own actions marked. The caller closes it. Damage is in the report; an error is the context's or this machine's.
func Timeline(ctx context.Context, v image.Volume, opts TimelineOptions) (*timeline.Timeline, TimelineReport, error) {
	b := &builder{
		ctx: ctx, v: v, opts: opts, layers: lastwrites.NewLayers(v.FS, opts.Listing), alone: map[string]bool{},
		to: timeline.New(timeline.Options{Scratch: opts.Scratch, Taken: opts.Taken, Filter: opts.Filter}),
	}
	if err := b.all(); err != nil {
		return nil, TimelineReport{}, errors.Join(err, b.to.Close())
	}
	b.report.Events = b.to.Len()
	return b.to, b.report, nil
}

type builder struct {
	ctx    context.Context
	v      image.Volume
	opts   TimelineOptions
	layers *lastwrites.Layers
	alone  map[string]bool // paths that only the journal knows
	to     *timeline.Timeline
	report TimelineReport
}

func (b *builder) all() error {
	for _, action := range b.opts.Actions {
		if err := b.to.Add(action.Event()); err != nil {
			return err
		}
	}
	for _, c := range b.opts.Listing.Containers {
		for _, e := range timeline.ContainerEvents(c) {
			if err := b.to.Add(e); err != nil {
				return err
			}
		}
	}
	if err := b.findAlone(); err != nil {
		return err
	}
	if err := b.files(); err != nil {
		return err
	}
	logs, err := b.to.AddLogs(b.ctx, b.v.FS, timeline.LogOptions{Listing: b.opts.Listing})
	b.report.Logs = logs
	return err
}

// findAlone notes what only the journal knows.
func (b *builder) findAlone() error {
	return lastwrites.Compare(b.ctx, b.v, lastwrites.Options{Directories: true}, func(ch lastwrites.Change) error {
		switch {
		case ch.Kind == lastwrites.Unread:
			b.problem(ch.Path, ch.Problem)
		case ch.Alone && ch.Kind != lastwrites.Deleted:
			if b.report.Alone++; len(b.alone) < maxAlone {
				b.alone[ch.Path] = true
			}
		}
		return nil
	})
}

func (b *builder) problem(path, why string) {
	if len(b.report.Problems) == maxProblems {
		b.report.More++
		return
	}
	b.report.Problems = append(b.report.Problems, fmt.Sprintf("%q: %s", "/"+path, why))
}

func (b *builder) files() error {
	var body *timeline.Body
	if b.opts.Body != nil {
		body = timeline.NewBody(b.opts.Body, "/")
	}
	entries := b.opts.Entries
	if entries == nil {
		entries = func(do func(inventory.Entry) error) error { return inventory.Scan(b.ctx, b.v.FS, b.opts.Scan, do) }
	}
	err := entries(func(e inventory.Entry) error {
		b.report.Entries++
		if e.Problem != "" {
			b.problem(e.Path, e.Problem)
		}
		if body != nil {
			if err := body.Add(e.Path, e.Target, &e.Stat); err != nil {
				return err
			}
		}
		return b.to.AddFile(timeline.FileEntry{
			Path: e.Path, Stat: e.Stat, Target: e.Target, SHA256: e.SHA256, Alone: b.alone[e.Path], Place: b.layers.Find(e.Path),
		})
	})
	if err == nil && body != nil {
		err = body.Flush()
	}
	return err
}
