package drift

import (
	"io/fs"
	"slices"

	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// entry gives the change that an entry of the layer is.
func (c *comparison) entry(e *entry) error {
	switch {
	case c.full():
		c.sum.More++
		return nil
	case e.info == nil:
		return c.add(Change{Verdict: Unread, Path: slash(e.path), Disk: e.disk, Problem: e.lost.Error()})
	case c.whiteout(e):
		return c.deleted(e)
	case e.from.info != nil && (e.info.IsDir() || e.old.info == nil):
		return c.renamed(e)
	case e.old.info == nil:
		return c.added(e)
	}
	return c.changed(e)
}

// start begins a change with the new file.
func (c *comparison) start(e *entry, v Verdict) Change {
	ch := Change{Verdict: v, Path: slash(e.path), Disk: e.disk, Tree: c.upper.Tree, Info: e.info}
	if e.info.Mode().IsRegular() && c.view != nil { // whose bytes may be another layer's
		ch.Tree, ch.Info = c.view, c.shown(e)
	}
	if e.lost != nil {
		ch.Problem = e.lost.Error()
	}
	state, err := stateOf(c.upper.Tree, e.info, c.opts.Marks)
	ch.At = state.Changed
	ch.note(err)
	state.target(c.upper.Tree, e.disk, e.info, &ch)
	ch.New = &state
	return ch
}

// startOver begins a change of what the image has too.
func (c *comparison) startOver(e *entry, old found, v Verdict) Change {
	ch := c.start(e, v)
	state, err := stateOf(c.lower, old.info, c.opts.Marks)
	ch.note(err)
	state.target(c.lower, old.path, old.info, &ch)
	ch.Old = &state
	ch.compareStates()
	return ch
}

func (ch *Change) note(err error) {
	if err == nil {
		return
	}
	if ch.Problem != "" {
		ch.Problem += "; "
	}
	ch.Problem += err.Error()
}

// added is a path that the image does not have: new, or renamed with its content.
func (c *comparison) added(e *entry) error {
	ch := c.start(e, Added)
	if e.info.Mode().IsRegular() {
		ch.hash(ch.New, &c.reader, c.view, c.shown(e))
		c.findRename(e, &ch)
	}
	return c.add(ch)
}

// shown gives the entry as the view shows it, whose bytes may be another layer's.
func (c *comparison) shown(e *entry) fs.FileInfo {
	if e.shown == nil {
		if info, err := c.view.Lstat(e.path); err == nil {
			e.shown = info
		}
	}
	return e.shown
}

// renamed is a path that shows the image's of another.
func (c *comparison) renamed(e *entry) error {
	ch := c.startOver(e, e.from, Renamed)
	ch.From, ch.How = slash(e.from.path), "redirect"
	if e.info.Mode().IsRegular() && !c.hashBoth(e, e.from, &ch) {
		ch.Verdict = Unread
	}
	if err := c.add(ch); err != nil {
		return err
	}
	if e.old.info == nil {
		return nil
	}
	return c.takenAway(e, Hidden, func(p string) bool { return p == e.old.path })
}

// changed is a path that the image has too.
func (c *comparison) changed(e *entry) error {
	ch := c.startOver(e, e.old, Mode)
	if e.old.path != e.path { // a directory above was renamed
		ch.From, ch.How = slash(e.old.path), "redirect"
	}
	compared := true
	switch is, was := e.info.Mode().IsRegular(), e.old.info.Mode().IsRegular(); {
	case is && was:
		compared = c.hashBoth(e, e.old, &ch)
	case is:
		ch.hash(ch.New, &c.reader, c.view, c.shown(e))
	case was:
		ch.hash(ch.Old, &c.reader, c.lower, e.old.info)
	}
	switch {
	case slices.ContainsFunc(ch.Differs, isContent):
		ch.Verdict = Modified
		c.nameSource(e, &ch)
	case !compared || len(ch.Differs) == 0 && ch.Problem != "":
		ch.Verdict = Unread
	case len(ch.Differs) == 0:
		c.sum.Touched++
		return c.replaced(e)
	}
	if err := c.add(ch); err != nil {
		return err
	}
	return c.replaced(e)
}

// hash adds the hash of one side.
func (ch *Change) hash(side *State, r *reader, tree volume.Tree, info fs.FileInfo) {
	sum, err := r.hash(tree, info)
	side.SHA256 = sum
	ch.note(err)
}

func isContent(what string) bool {
	return what == "type" || what == "size" || what == "content" || what == "target" || what == "device"
}

// hashBoth compares the bytes of two files; it is false where they could not be compared. Where only metadata was copied
// up, they are the same file's.
func (c *comparison) hashBoth(e *entry, old found, ch *Change) bool {
	was, err := c.reader.hash(c.lower, old.info)
	ch.note(err)
	is, err2 := was, err
	if !e.marks.Metacopy || e.from.info != nil && e.from.path != old.path {
		is, err2 = c.reader.hash(c.view, c.shown(e))
		ch.note(err2)
	}
	ch.Old.SHA256, ch.New.SHA256 = was, is
	if err == nil && err2 == nil && was != is {
		ch.Differs = append(ch.Differs, "content")
	}
	return err == nil && err2 == nil
}
