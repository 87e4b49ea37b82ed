// Package lastwrites finds what was written to a disk last: what only the journal of its file system knows, because the
// kernel had not yet written it to its place when the disk was taken, and on demand whatever changed since a time.
//
// Most readers of disk images do not replay journals and miss the first kind: the kernel writes a disk's metadata to its
// place every half minute, and a snapshot of a running machine is taken in between.
package lastwrites

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"time"

	"github.com/firebreak-ir/firebreak/forensics/image"
	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// Options choose what is compared. The zero value gives the files that only the journal knows, without their hashes.
type Options struct {
	// Since adds what changed at or after this time, wherever it stands; zero adds nothing.
	Since time.Time
	// Directories gives those too that came, went, or have another mode or owner. What else changes in a directory shows in
	// what it holds.
	Directories bool
	// Hash is what may be hashed; nil hashes nothing. One budget may be for several volumes.
	Hash *Budget
	// Known is asked before a file is read to be hashed: where the caller has the next change from an attempt before, its
	// hash stays empty and the budget is spent as if it were read.
	Known func() bool
	// Layers says in whose layer a change lies; nil leaves that out.
	Layers *Layers
	// Progress is told from time to time how many entries were looked at; its error ends the work.
	Progress func(entries int) error
}

// comparison walks both views of a file system side by side, so that it holds neither of them.
type comparison struct {
	Options

	ctx      context.Context
	now, old volume.FS // after the journal's replay, and as the disk lies there; nil where both are the same
	part     int
	do       func(Change) error
	walked   int
	unsure   []string // directories above the place of the walk that could not be read whole, the deepest last
}

// Compare gives to do every change on a volume, in the order of a walk. What could not be read or compared is given as
// Unread. Its error is the context's, Progress's, do's, or that the disk could not be opened a second time.
func Compare(ctx context.Context, v image.Volume, opts Options, do func(Change) error) error {
	c := &comparison{Options: opts, ctx: ctx, now: v.FS, part: v.Part.Number, do: do}
	before := func(func(met) bool) {}
	if replay := v.Replayed(); replay.Transactions > 0 || replay.Blocks > 0 {
		old, err := v.InPlace()
		if err != nil {
			return fmt.Errorf("open the disk as it lies there: %w", err)
		}
		c.old, before = old, readable(walkOf(old))
	}
	if c.old == nil && opts.Since.IsZero() {
		return nil
	}
	err := c.run(before)
	if errors.Is(err, errEndless) {
		return c.unread(".", fmt.Errorf("the comparison ended early: %w", err))
	}
	return err
}

const maxWalked = 50_000_000 // entries of one file system; more are no real disk's

var errEndless = fmt.Errorf("the disk lists more than %d files", maxWalked)

// run compares the disk after the replay with the disk as it lies there. Both walks begin at the root, whose "." is no name
// in the order of names.
func (c *comparison) run(before iter.Seq[met]) error {
	next, stop := iter.Pull(before)
	defer stop()
	old, more := next()
	for now := range walkOf(c.now) {
		for more && now.path != "." && inOrder(old.path, now.path) < 0 {
			if err := c.gone(old); err != nil {
				return err
			}
			old, more = next()
		}
		c.leave(now.path)
		there := more && now.same(old)
		if err := c.compare(now, old, there); err != nil {
			return err
		}
		if there {
			old, more = next()
		}
	}
	for ; more; old, more = next() {
		if err := c.gone(old); err != nil {
			return err
		}
	}
	return nil
}

// step counts an entry, tells how far the work is and ends it when nobody waits any more.
func (c *comparison) step() error {
	if c.walked++; c.walked > maxWalked {
		return errEndless
	}
	if c.walked%2000 != 0 {
		return nil
	}
	if c.Progress != nil {
		if err := c.Progress(c.walked); err != nil {
			return err
		}
	}
	return c.ctx.Err()
}

// compare looks at one entry after the replay.
func (c *comparison) compare(now, old met, there bool) error {
	if err := c.step(); err != nil {
		return err
	}
	switch {
	case now.err != nil:
		c.unsure = append(c.unsure, now.path)
		return c.unread(now.path, now.err)
	case now.entry == nil || now.entry.IsDir() && (!c.Directories || now.path == "."):
		return nil
	}
	info, err := now.entry.Info()
	if err != nil {
		return c.unread(now.path, err)
	}
	stat, ok := volume.StatOf(info)
	if !ok {
		return c.unread(now.path, fs.ErrInvalid)
	}
	ch := describe(now.path, info, stat)
	if ch.Kind = c.verdict(&ch, info, stat, old, there); ch.Kind == "" {
		return nil
	}
	if info.Mode().IsRegular() {
		c.read(&ch, info)
	}
	if err := c.ctx.Err(); err != nil {
		return err
	}
	return c.give(ch)
}

// leave forgets the directories that the walk has left behind at p: nothing below them comes any more.
func (c *comparison) leave(p string) {
	for n := len(c.unsure); n > 0 && !holds(c.unsure[n-1], p); n-- {
		c.unsure = c.unsure[:n-1]
	}
}

// gone notes what lies on the disk and is not there after the replay. Below a directory that could not be read whole,
// nobody knows whether it is there.
func (c *comparison) gone(old met) error {
	if err := c.step(); err != nil {
		return err
	}
	if old.entry.IsDir() && !c.Directories {
		return nil
	}
	info, _ := old.entry.Info()
	if info == nil { // damage that the journal mends is none of the disk as it is after the replay
		return nil
	}
	for _, dir := range slices.Backward(c.unsure) {
		if holds(dir, old.path) {
			return c.unread(old.path, fmt.Errorf("it was there before the journal's replay; whether it still is, the damaged %q does not say", "/"+ShortPath(dir)))
		}
	}
	stat, _ := volume.StatOf(info)
	ch := describe(old.path, info, stat)
	ch.Kind, ch.Alone = Deleted, true
	return c.give(ch)
}

func (c *comparison) unread(p string, err error) error {
	return c.do(Change{Kind: Unread, Partition: c.part, Path: p, Problem: err.Error()})
}

func (c *comparison) give(ch Change) error {
	ch.Partition = c.part
	if c.Layers != nil {
		ch.Place = c.Layers.Find(ch.Path)
	}
	return c.do(ch)
}
