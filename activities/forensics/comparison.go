package forensics

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/forensics/containers"
	"github.com/firebreak-ir/firebreak/forensics/ext4"
)

// signature is what two views of one file are compared by.
type signature struct {
	inode      uint32
	mode       uint16
	size       int64
	changed    time.Time
	generation uint32
	seen       bool
}

// comparison walks both views of a file system.
type comparison struct {
	ctx      context.Context
	disk     *ext4.FS
	owners   map[string]containers.Container
	replayed bool      // the journal held something: the disk without it is another view
	since    time.Time // what changed from here on counts too; zero: nothing does
	before   map[string]signature
	changes  []change
	warnings []string
	walked   int
}

func (c *comparison) step(what string, p string, err error) error {
	if stop := c.ctx.Err(); stop != nil {
		return stop
	}
	if c.walked++; c.walked%2000 == 0 {
		activities.Report(c.ctx, activities.Progress{Done: int64(c.walked), Unit: "entries", Message: what})
	}
	if err != nil && len(c.warnings) < 1000 {
		c.warnings = append(c.warnings, oneLine("/"+p+": "+err.Error()))
	}
	return nil
}

// lookBefore reads the disk as it lies there.
func (c *comparison) lookBefore(v volume) error {
	before, err := ext4.Open(v.raw, v.part.Size, ext4.Options{SkipJournal: true})
	if err != nil {
		return err
	}
	return before.Walk(".", c.remember)
}

// remember notes what lies on the disk without the journal. Damage in this view is expected: the journal mends it.
func (c *comparison) remember(p string, d fs.DirEntry, err error) error {
	if stop := c.step("read the disk without its journal", p, nil); stop != nil || err != nil || d == nil {
		return stop
	}
	if len(c.before) >= maxCompared {
		return activities.Permanent(activities.Unsupported, fmt.Errorf("the disk has more than %d files", maxCompared), "look at the image with forensics.list_containers")
	}
	if info, err := d.Info(); err == nil && !info.IsDir() {
		c.before[p] = signed(info)
	}
	return nil
}

func signed(info fs.FileInfo) signature {
	in := info.Sys().(*ext4.Inode)
	return signature{inode: in.Number, mode: in.Mode, size: in.Size, changed: in.Changed, generation: in.Generation}
}

// compare looks at each file after the replay.
func (c *comparison) compare(p string, d fs.DirEntry, err error) error {
	if stop := c.step("compare the disk with its journal", p, err); stop != nil || err != nil || d == nil || d.IsDir() {
		return stop
	}
	info, err := d.Info()
	if err != nil {
		return c.step("", p, err)
	}
	now := signed(info)
	old, there := c.met(p)
	alone := c.replayed && old != now
	if !alone && !c.recent(now.changed) {
		return nil
	}
	what := "changed"
	if alone && !there || c.recent(info.Sys().(*ext4.Inode).Created) {
		what = "written"
	}
	ch := c.describe(what, p, info)
	ch.Alone = alone
	c.add(ch)
	return nil
}

// met gives what stood there without the journal, and notes that it still does.
func (c *comparison) met(p string) (signature, bool) {
	old, there := c.before[p]
	if there {
		seen := old
		seen.seen = true
		c.before[p] = seen
	}
	return old, there
}

func (c *comparison) recent(at time.Time) bool { return !c.since.IsZero() && !at.Before(c.since) }

// deletions are what lies on the disk and is gone after the replay.
func (c *comparison) deletions() {
	var gone []string
	for p, s := range c.before {
		if !s.seen {
			gone = append(gone, p)
		}
	}
	slices.Sort(gone)
	for _, p := range gone {
		c.add(change{Change: "deleted", Path: p, Size: c.before[p].size, Type: "file", Alone: true})
	}
}

func (c *comparison) add(ch change) {
	if container, inside, ok := owner(c.owners, ch.Path); ok {
		ch.Inside, ch.Container, ch.Pod = inside, named(container), container.Pod
		if container.PodNamespace != "" {
			ch.Pod = container.PodNamespace + "/" + container.Pod
		}
	}
	ch.judge()
	c.changes = append(c.changes, ch)
}

func named(c containers.Container) string {
	if c.Name != "" {
		return c.Name
	}
	return c.ID[:min(len(c.ID), 12)]
}
