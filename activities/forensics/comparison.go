package forensics

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/forensics/containers"
	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// signature is what two views of one file are compared by.
type signature struct {
	inode      uint64
	mode       uint32
	size       int64
	changed    time.Time
	generation uint32
}

// comparison walks both views of a file system side by side, so that it holds neither of them.
type comparison struct {
	ctx       context.Context
	disk      volume.FS
	partition int
	layers    *layers
	replayed  bool      // the journal held something: the disk without it is another view
	since     time.Time // what changed from here on counts too; zero: nothing does
	hash      *budget
	out       *lines
	walked    int
	told      map[string]bool // problems of the stores, which the walk meets again
	unsure    []string        // directories above the place of the walk that could not be read whole, the deepest last
}

// met is what a walk came to.
type met struct {
	path  string
	entry fs.DirEntry
	err   error
}

func (m met) isFile() bool { return m.err == nil && m.entry != nil && !m.entry.IsDir() }

// walkOf gives the walk of a file system as a sequence.
func walkOf(disk volume.FS) iter.Seq[met] {
	return func(yield func(met) bool) {
		_ = disk.Walk(".", func(p string, d fs.DirEntry, err error) error { // it fails with what this function gives alone
			if !yield(met{p, d, err}) {
				return fs.SkipAll
			}
			return nil
		})
	}
}

// inOrder compares two paths as walks meet them: name by name.
func inOrder(a, b string) int {
	for i := range min(len(a), len(b)) {
		switch x, y := a[i], b[i]; {
		case x == y:
		case x == '/':
			return -1
		case y == '/':
			return 1
		default:
			return cmp.Compare(x, y)
		}
	}
	return cmp.Compare(len(a), len(b))
}

const maxWalked = 50_000_000 // entries of one file system; more are no real disk's

var errEndless = fmt.Errorf("the disk lists more than %d files", maxWalked)

// run compares the disk after the replay with the disk as it lies there. Both walks begin at the root, whose "." is no name
// in the order of names.
func (c *comparison) run(before iter.Seq[met]) error {
	next, stop := iter.Pull(before)
	defer stop()
	old, more := next()
	for now := range walkOf(c.disk) {
		for more && now.path != "." && inOrder(old.path, now.path) < 0 {
			if err := c.gone(old); err != nil {
				return err
			}
			old, more = next()
		}
		c.leave(now.path)
		there := more && old.path == now.path && now.isFile()
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
	activities.Report(c.ctx, activities.Progress{Done: int64(c.walked), Unit: "entries", Message: "compare the disk with its journal"})
	return errors.Join(c.ctx.Err(), c.out.to.Flush())
}

// compare looks at one file after the replay.
func (c *comparison) compare(now, old met, there bool) error {
	if err := c.step(); err != nil {
		return err
	}
	switch {
	case now.err != nil:
		c.unsure = append(c.unsure, now.path)
		return c.unread(now.path, now.err)
	case !now.isFile():
		return nil
	}
	info, err := now.entry.Info()
	if err != nil {
		return c.unread(now.path, err)
	}
	in, ok := volume.StatOf(info)
	if !ok {
		return c.unread(now.path, fs.ErrInvalid)
	}
	alone := c.replayed && (!there || signed(old) != signedStat(in))
	if !alone && !c.recent(in.Changed) {
		return nil
	}
	what := "changed"
	if alone && !there || c.recent(in.Created) {
		what = "written"
	}
	ch := c.describe(what, now.path, info, in)
	if err := c.ctx.Err(); err != nil {
		return err
	}
	ch.Alone = alone
	return c.add(ch)
}

// signed gives the signature of a file as it lies on the disk; damage there is expected, and gives none.
func signed(m met) signature {
	info, err := m.entry.Info()
	if err != nil {
		return signature{}
	}
	in, _ := volume.StatOf(info)
	return signedStat(in)
}

func signedStat(in volume.Stat) signature {
	return signature{inode: in.Inode, mode: in.Mode, size: in.Size, changed: in.Changed, generation: in.Generation}
}

func (c *comparison) recent(at time.Time) bool { return !c.since.IsZero() && !at.Before(c.since) }

// leave forgets the directories that the walk has left behind at p: nothing below them comes any more.
func (c *comparison) leave(p string) {
	for n := len(c.unsure); n > 0 && !holds(c.unsure[n-1], p); n-- {
		c.unsure = c.unsure[:n-1]
	}
}

// holds tells whether p is dir or lies below it.
func holds(dir, p string) bool {
	return dir == "." || strings.HasPrefix(p, dir) && (len(p) == len(dir) || p[len(dir)] == '/')
}

// gone notes what lies on the disk and is not there after the replay. Below a directory that could not be read whole,
// nobody knows whether it is there.
func (c *comparison) gone(old met) error {
	if err := c.step(); err != nil {
		return err
	}
	info, _ := old.entry.Info()
	if info == nil { // damage that the journal mends is none of the disk as it is after the replay
		return nil
	}
	for _, dir := range slices.Backward(c.unsure) {
		if holds(dir, old.path) {
			return c.unread(old.path, fmt.Errorf("it was there before the journal's replay; whether it still is, the damaged %q does not say", "/"+shortPath(dir)))
		}
	}
	return c.add(change{Change: "deleted", Path: old.path, Size: info.Size(), Type: "file", Alone: true})
}

// files leaves directories and damage out of a view of the disk as it lies there: the journal mends it.
func files(all iter.Seq[met]) iter.Seq[met] {
	return func(yield func(met) bool) {
		for m := range all {
			if m.isFile() && !yield(m) {
				return
			}
		}
	}
}

// tell lists what of the stores could not be read: the layers of those containers are nobody's.
func (c *comparison) tell(problems []string) error {
	for _, problem := range problems {
		place, why, _ := strings.Cut(problem, ": ")
		if err := c.unread(place, errors.New(why)); err != nil {
			return err
		}
	}
	c.told = map[string]bool{}
	for _, problem := range problems {
		c.told[problem] = true
	}
	return nil
}

// unread lists what could not be read, once.
func (c *comparison) unread(p string, err error) error {
	if c.told[p+": "+err.Error()] {
		return nil
	}
	return c.out.add(change{Change: unreadChange, Partition: c.partition, Path: shortPath(p), Problem: oneLine(err.Error())})
}

func (c *comparison) add(ch change) error {
	c.layers.place(&ch)
	ch.judge()
	ch.Path, ch.Partition = shortPath(ch.Path), c.partition
	return c.out.add(ch)
}

// shortPath cuts what is longer than any path that the kernel opens, and says so.
func shortPath(p string) string {
	const most = 4096
	if len(p) <= most {
		return p
	}
	return fmt.Sprintf("%s…(%d bytes)…%s", p[:most/2], len(p)-most, p[len(p)-most/2:])
}

func named(c containers.Container) string {
	if c.Name != "" {
		return c.Name
	}
	return c.ID[:min(len(c.ID), 12)]
}
