package drift

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"unicode/utf8"

	"github.com/firebreak-ir/firebreak/forensics/overlay"
)

// Compare holds the last layer, a container's own, against all layers below it, which are its image's, the lowest first.
// Changes come in the order of names, those of a directory before those of what it holds; what a whiteout or a replaced
// directory takes away comes right behind it. Damage is a change with the verdict Unread. What do returns ends the
// comparison.
func Compare(ctx context.Context, layers []overlay.Layer, opts Options, do func(Change) error) (Summary, error) {
	opts = opts.withDefaults()
	if len(layers) == 0 {
		return Summary{}, errors.New("compare layers: there are none")
	}
	view, err := overlay.Open(layers, overlay.With(opts.Marks))
	if err != nil {
		return Summary{}, fmt.Errorf("compare layers: %w", err)
	}
	c := &comparison{ctx: ctx, opts: opts, do: do, view: view, upper: layers[len(layers)-1]}
	c.sum.Changes = map[Verdict]int{}
	c.reader = reader{ctx: ctx, left: opts.MaxBytes, most: opts.MaxFileBytes, sum: &c.sum}
	if len(layers) > 1 {
		if c.lower, err = overlay.Open(layers[:len(layers)-1], overlay.With(opts.Marks)); err != nil {
			return Summary{}, fmt.Errorf("compare layers: %w", err)
		}
	}
	if err := c.run(); err != nil {
		return c.sum, err
	}
	return c.sum, ctx.Err()
}

// comparison is one run of Compare.
type comparison struct {
	ctx    context.Context
	opts   Options
	do     func(Change) error
	view   *overlay.FS
	lower  *overlay.FS // nil where there is no image
	upper  overlay.Layer
	reader reader
	gone   gone
	dirs   []dir // the directories that the walk is in, the deepest last
	listed int
	sum    Summary
}

// dir is a directory of the layer, and what it stands for in the image.
type dir struct {
	path   string
	lower  string // path in the image that its entries are held against; empty: there is none
	opaque bool   // what of that it hides was listed
}

func (c *comparison) run() error {
	if err := c.eachEntry(c.remember); err != nil {
		return err
	}
	c.sum.Entries = 0
	defer c.finish()
	return c.eachEntry(c.entry)
}

// eachEntry walks the layer and looks every entry up in the image.
func (c *comparison) eachEntry(do func(*entry) error) error {
	c.dirs = nil
	root, err := c.view.Lstat(".")
	if err != nil {
		return fmt.Errorf("compare layers: %w", err)
	}
	place := c.view.Below(root)[0].Path
	var failed error
	err = c.upper.Tree.Walk(place, func(p string, d fs.DirEntry, err error) error {
		if failed = c.ctx.Err(); failed != nil {
			return fs.SkipAll
		}
		c.sum.Entries++
		if failed = c.visit(relative(place, p), p, d, err, do); failed != nil {
			return fs.SkipAll
		}
		return nil
	})
	return errors.Join(failed, err)
}

func (c *comparison) visit(rel, disk string, d fs.DirEntry, err error, do func(*entry) error) error {
	for len(c.dirs) > 0 && !within(c.dirs[len(c.dirs)-1].path, rel) {
		c.dirs = c.dirs[:len(c.dirs)-1]
	}
	var info fs.FileInfo
	if err == nil {
		info, err = d.Info()
	}
	if err != nil {
		return do(&entry{path: rel, disk: disk, lost: err})
	}
	e := &entry{path: rel, disk: disk, info: info}
	if e.marks, err = c.opts.Marks.Read(c.upper.Tree, info); err != nil {
		e.lost = fmt.Errorf("the marks of overlayfs: %w", err)
	}
	if c.lower != nil {
		c.lookUp(e)
	}
	return do(e)
}

// full tells whether the limit of changes is reached: nothing is compared any more, entries are counted.
func (c *comparison) full() bool { return c.listed >= c.opts.MaxChanges }

// add hands a change on.
func (c *comparison) add(ch Change) error {
	c.listed++
	c.sum.Changes[ch.Verdict]++
	ch.Of = c.opts.Of
	if !utf8.ValidString(ch.Path) {
		ch.RawPath = []byte(ch.Path)
	}
	return c.do(ch)
}

func slash(p string) string {
	if p == "." {
		return "/"
	}
	return "/" + p
}
