package drift

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/firebreak-ir/firebreak/forensics/overlay"
)

// entry is one file of the layer.
type entry struct {
	path    string // from the root of the view
	disk    string // in the layer's tree
	info    fs.FileInfo
	marks   overlay.Marks
	old     found       // what the image has under the name
	from    found       // what it was renamed from, where a mark says so
	covered bool        // of a directory: one above has listed what of the image is hidden in it
	shown   fs.FileInfo // as the merged view has it, once asked for
	lost    error       // why it is not known what the image has
}

// found is a file of the image.
type found struct {
	path string
	info fs.FileInfo // nil where there is none
}

func (f found) isDir() bool { return f.info != nil && f.info.IsDir() }

// lookUp finds what of the image an entry of the layer stands over, and what it was renamed from.
func (c *comparison) lookUp(e *entry) {
	parent := c.parent()
	switch {
	case e.path == ".":
		e.old = c.find(e, ".")
	case parent != "":
		e.old = c.find(e, path.Join(parent, path.Base(e.path)))
	}
	switch to := e.marks.Redirect; {
	case to == "":
	case strings.HasPrefix(to, "/"):
		e.from = c.find(e, path.Clean(to[1:]))
	case parent != "":
		e.from = c.find(e, path.Join(parent, to))
	}
	if e.from.path == e.old.path || e.from.isDir() != e.info.IsDir() {
		e.from = found{}
	}
	if !e.info.IsDir() {
		return
	}
	d := dir{path: e.path}
	e.covered = len(c.dirs) > 0 && c.dirs[len(c.dirs)-1].opaque
	switch {
	case e.from.info != nil:
		d.lower = e.from.path
	case e.old.isDir():
		d.lower, d.opaque = e.old.path, e.covered || e.marks.Opaque
	}
	c.dirs = append(c.dirs, d)
}

func (c *comparison) find(e *entry, p string) found {
	info, err := c.lower.Lstat(p)
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrInvalid) {
		e.lost = errors.Join(e.lost, fmt.Errorf("the image's file: %w", err))
	}
	if err != nil {
		return found{}
	}
	return found{p, info}
}

// parent gives the path in the image of the directory that the walk is in.
func (c *comparison) parent() string {
	if len(c.dirs) == 0 {
		return ""
	}
	return c.dirs[len(c.dirs)-1].lower
}

// whiteout tells entries that delete their name. What only looks like one, the view shows.
func (c *comparison) whiteout(e *entry) bool {
	if !e.marks.Whiteout {
		return false
	}
	_, err := c.view.Lstat(e.path)
	return err != nil
}

// within tells whether p lies below dir.
func within(dir, p string) bool {
	return dir == "." && p != "." || strings.HasPrefix(p, dir+"/")
}

func relative(root, p string) string {
	switch {
	case p == root:
		return "."
	case root == ".":
		return p
	}
	return strings.TrimPrefix(p, root+"/")
}
