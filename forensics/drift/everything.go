package drift

import (
	"context"
	"errors"
	"io/fs"
	"unicode/utf8"

	"github.com/firebreak-ir/firebreak/forensics/overlay"
	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// Everything lists all files of a place that no image stands behind, such as a pod's emptyDir: each is Added. Marks of
// overlayfs have no meaning there.
func Everything(ctx context.Context, place overlay.Layer, opts Options, do func(Change) error) (Summary, error) {
	c := &comparison{ctx: ctx, opts: opts.withDefaults(), do: do, upper: place}
	c.opts.Marks = "" // all attributes are the files' own
	c.sum.Changes = map[Verdict]int{}
	c.reader = reader{ctx: ctx, left: c.opts.MaxBytes, most: c.opts.MaxFileBytes, sum: &c.sum}
	defer c.finish()
	var failed error
	err := place.Tree.Walk(place.Root, func(p string, d fs.DirEntry, err error) error {
		if failed = ctx.Err(); failed != nil {
			return fs.SkipAll
		}
		c.sum.Entries++
		if failed = c.present(relative(place.Root, p), p, d, err); failed != nil {
			return fs.SkipAll
		}
		return nil
	})
	return c.sum, errors.Join(failed, err)
}

func (c *comparison) present(rel, disk string, d fs.DirEntry, err error) error {
	if c.full() {
		c.sum.More++
		return nil
	}
	e := &entry{path: rel, disk: disk}
	if err == nil {
		e.info, err = d.Info()
	}
	if err != nil {
		return c.add(Change{Verdict: Unread, Path: slash(rel), Disk: disk, Problem: err.Error()})
	}
	if stat, ok := volume.StatOf(e.info); rel == "." && e.info.IsDir() || ok && stat.Changed.Before(c.opts.Since) {
		return nil
	}
	ch := c.start(e, Added)
	if e.info.Mode().IsRegular() {
		ch.hash(ch.New, &c.reader, c.upper.Tree, e.info)
	}
	return c.add(ch)
}

// Found describes a file that was found at a path, of which nobody knows what was there before: v says what is thought of
// it. It is not hashed.
func Found(v Verdict, tree volume.Tree, disk, p string, info fs.FileInfo) Change {
	ch := Change{Verdict: v, Path: slash(p), Disk: disk, Tree: tree, Info: info}
	if !utf8.ValidString(ch.Path) {
		ch.RawPath = []byte(ch.Path)
	}
	state, err := stateOf(tree, info, "")
	ch.note(err)
	state.target(tree, disk, info, &ch)
	ch.New = &state
	return ch
}
