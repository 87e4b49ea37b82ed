package drift

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// gone is what of the image was deleted: what is new may be it, under another name.
type gone struct {
	byInode map[uint64][]lostFile
	bySize  map[int64][]lostFile
	count   int
}

type lostFile struct {
	path       string
	generation uint32
	info       fs.FileInfo
}

// remember keeps what the layer deletes, before anything is judged.
func (c *comparison) remember(e *entry) error {
	if e.info == nil || e.old.info == nil || !c.whiteout(e) {
		return nil
	}
	return c.below(e.old.path, func(p string, info fs.FileInfo, _ error) error {
		if c.gone.count > c.opts.MaxRenames {
			return fs.SkipAll
		}
		if info == nil || !info.Mode().IsRegular() {
			return nil
		}
		c.gone.add(p, info, c.opts.MaxRenames)
		return nil
	})
}

func (g *gone) add(p string, info fs.FileInfo, most int) {
	if g.count++; g.count > most {
		return
	}
	if g.byInode == nil {
		g.byInode, g.bySize = map[uint64][]lostFile{}, map[int64][]lostFile{}
	}
	stat, _ := volume.StatOf(info)
	f := lostFile{path: p, generation: stat.Generation, info: info}
	g.byInode[stat.Inode] = append(g.byInode[stat.Inode], f)
	g.bySize[info.Size()] = append(g.bySize[info.Size()], f)
}

// below visits a path of the image and everything under it, in the order of names.
func (c *comparison) below(p string, do func(p string, info fs.FileInfo, err error) error) error {
	var failed error
	_ = c.lower.Walk(p, func(p string, d fs.DirEntry, err error) error { // its errors come to the callback
		if failed = c.ctx.Err(); failed != nil {
			return fs.SkipAll
		}
		var info fs.FileInfo
		if err == nil {
			info, err = d.Info()
		}
		if failed = do(p, info, err); failed != nil {
			return fs.SkipAll
		}
		return nil
	})
	if errors.Is(failed, fs.SkipAll) {
		return nil
	}
	return failed
}

// deleted lists what a whiteout takes away.
func (c *comparison) deleted(e *entry) error {
	if e.old.info == nil {
		ch := Change{Verdict: Deleted, Path: slash(e.path), Disk: e.disk, At: e.at(), Problem: "the image has no such path"}
		if e.lost != nil {
			ch.Problem = e.lost.Error()
		}
		return c.add(ch)
	}
	return c.takenAway(e, Deleted, func(string) bool { return false })
}

// replaced lists what stood below a directory of the image that another file stands in the place of.
func (c *comparison) replaced(e *entry) error {
	switch {
	case !e.old.isDir():
		return nil
	case !e.info.IsDir():
		return c.takenAway(e, Hidden, func(p string) bool { return p == e.old.path })
	case !e.marks.Opaque || e.covered:
		return nil
	}
	return c.takenAway(e, Hidden, func(p string) bool { return c.inUpper(e.path, relative(e.old.path, p)) })
}

// inUpper tells whether the layer itself has something at a path below a directory of its own, or in the place of a
// directory on the way there: the walk will come to it. No link is followed.
func (c *comparison) inUpper(dir, below string) bool {
	root, err := c.view.Lstat(".")
	if err != nil {
		return false
	}
	at := path.Join(c.view.Below(root)[0].Path, dir)
	for name := range strings.SplitSeq(below, "/") {
		at = path.Join(at, name)
		info, err := c.upper.Tree.Lstat(at)
		if err != nil {
			return false
		}
		if !info.IsDir() {
			return true
		}
	}
	return true
}

// at is when an entry of the layer was last changed.
func (e *entry) at() time.Time {
	stat, _ := volume.StatOf(e.info)
	return stat.Changed
}

// takenAway lists a path of the image and what is below it, but for what still shows.
func (c *comparison) takenAway(e *entry, v Verdict, shows func(p string) bool) error {
	return c.below(e.old.path, func(p string, info fs.FileInfo, err error) error {
		if err == nil && shows(p) {
			return nil
		}
		if c.full() {
			c.sum.More++
			return fs.SkipAll
		}
		now := path.Join(e.path, relative(e.old.path, p))
		ch := Change{Verdict: v, Path: slash(now), By: slash(e.path), Disk: e.disk, At: e.at()}
		if now != p {
			ch.From, ch.How = slash(p), "redirect"
		}
		if err != nil {
			ch.Verdict = Unread
			ch.note(err)
			return c.add(ch)
		}
		old, err := stateOf(c.lower, info, c.opts.Marks)
		ch.note(err)
		old.target(c.lower, p, info, &ch)
		ch.Old = &old
		if info.Mode().IsRegular() {
			ch.hash(ch.Old, &c.reader, c.lower, info)
		}
		return c.add(ch)
	})
}

// finish says what the limits left out.
func (c *comparison) finish() {
	if c.gone.count > c.opts.MaxRenames {
		c.sum.Notes = append(c.sum.Notes, fmt.Sprintf("renamed files were looked for among the first %d deleted ones alone", c.opts.MaxRenames))
	}
	if c.sum.More > 0 {
		c.sum.Notes = append(c.sum.Notes, fmt.Sprintf("the limit of %d changes is reached: at least %d more entries were not compared", c.opts.MaxChanges, c.sum.More))
	}
	slices.Sort(c.sum.Notes)
}
