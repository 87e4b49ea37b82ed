// Package timeline puts what a disk says of times in one order: of its files, its containers, its logs and logins, with
// what the responder did among it. It writes body files for mactime and JSON lines for Timesketch, with bounded memory.
package timeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// Options bound the work. Scratch must be set.
type Options struct {
	// Scratch is a directory for what does not fit in memory. Nothing is left there after Close.
	Scratch string
	// MemoryBytes bounds what is held of the events; zero means 64 MiB, less than 1 MiB means 1 MiB.
	MemoryBytes int64
	// ScratchBytes bounds what is written to Scratch; zero means 64 GiB. Beyond it Add fails.
	ScratchBytes int64
	// Taken is when the disk was taken: what claims to have happened later is impossible. Zero leaves that out.
	Taken time.Time
	// Filter leaves events out.
	Filter Filter
}

// Timeline takes events in any order and gives them in the order of their times; those of the same time in the order in
// which they were added, so that the lines of a log keep theirs. It is not safe for concurrent use.
type Timeline struct {
	opts   Options
	sorter *sorter
	line   []byte
}

// New begins a timeline.
func New(opts Options) *Timeline {
	if opts.MemoryBytes <= 0 {
		opts.MemoryBytes = 64 << 20
	}
	opts.MemoryBytes = max(opts.MemoryBytes, 1<<20)
	if opts.ScratchBytes <= 0 {
		opts.ScratchBytes = 64 << 30
	}
	return &Timeline{opts: opts, sorter: &sorter{dir: opts.Scratch, memory: opts.MemoryBytes, scratch: opts.ScratchBytes}}
}

// Add takes an event. Its error is that of the scratch directory.
func (t *Timeline) Add(e Event) error { return t.add(&e) }

func (t *Timeline) add(e *Event) error {
	e.plausible(t.opts.Taken)
	if !t.opts.Filter.Keeps(e) {
		return nil
	}
	t.line = e.appendJSON(t.line[:0])
	return t.sorter.add(e.Time, t.line)
}

// AddFile takes the times of an entry of a file system.
func (t *Timeline) AddFile(f FileEntry) error { return f.EachTime(t.add) }

// Len is how many events were taken and not left out.
func (t *Timeline) Len() int64 { return t.sorter.total }

// Timesketch writes all events in the order of their times, one JSON object a line. It may be called more than once; nothing may be added after it.
func (t *Timeline) Timesketch(ctx context.Context, w io.Writer) error {
	n := 0
	err := t.sorter.each(func(line []byte) error {
		if n++; n%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		_, err := w.Write(line)
		return err
	})
	if err != nil {
		return fmt.Errorf("write the timeline: %w", err)
	}
	return nil
}

// Close removes what is in the scratch directory.
func (t *Timeline) Close() error { return errors.Join(t.sorter.close()...) }
