package overlay

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/firebreak-ir/firebreak/forensics/volume"
)

var errNoData = errors.New("no layer below holds the bytes of the file")

// search looks one name up in layer after layer, from the uppermost down (ovl_lookup).
type search struct {
	fs       *FS
	name     string // what the next layer is asked for: a name in the parent's directory, or a path from the root
	found    []spot
	dir      bool // a directory was found: only directories merge with it
	metacopy bool // a file was found whose bytes are still looked for
	stop     bool // the layers below do not count
	last     bool // this is the lowest layer
}

// child gives what the view shows under a name in a merged directory; nil where there is nothing. With an error, what
// could be read comes along.
func (f *FS) child(parent []spot, name string) (*Info, error) {
	s := &search{fs: f, name: name}
	var wrong error
	for i := 0; i < len(parent) && !s.stop; i++ {
		dir := parent[i]
		s.last = dir.layer == 0
		hit, err := s.layer(dir)
		if err != nil {
			wrong = fmt.Errorf("layer %d, %q: %w", dir.layer, join(dir.path, s.name), err)
			break
		}
		if hit != nil {
			s.found = append(s.found, *hit)
		}
		if strings.HasPrefix(s.name, "/") { // from here on the root's directories are asked, from the next layer on
			parent, i = f.root.spots, len(f.layers)-1-dir.layer
		}
	}
	return s.result(name, wrong)
}

func (s *search) result(name string, wrong error) (*Info, error) {
	if len(s.found) == 0 {
		return nil, wrong
	}
	out := &Info{name: name, spots: s.found}
	if s.dir {
		return out, wrong
	}
	out.spots = slices.Clone(s.found[:1])
	if len(s.found) > 1 {
		out.data = &s.found[len(s.found)-1]
	}
	if s.metacopy {
		out.noData = errors.Join(errNoData, wrong)
		return out, out.noData
	}
	return out, wrong
}

// layer looks the name up in one layer (ovl_lookup_layer). A path is gone down part by part; each may have been renamed,
// which changes how the next layer is asked.
func (s *search) layer(dir spot) (*spot, error) {
	if !strings.HasPrefix(s.name, "/") {
		return s.single(dir, s.name, "", "")
	}
	rest := s.name[1:]
	for {
		part, after, more := strings.Cut(rest, "/")
		post := strings.TrimPrefix(rest, part)
		hit, err := s.single(dir, part, s.name[:len(s.name)-len(rest)], post)
		if hit == nil || err != nil || !more {
			return hit, err
		}
		dir, rest = *hit, after
	}
}

// single looks one part up in one directory of one layer (ovl_lookup_single). What it is asked for is part in the middle of
// the name, pre before and post after it.
func (s *search) single(dir spot, part, pre, post string) (*spot, error) {
	tree := s.fs.layers[dir.layer].Tree
	info, err := dir.lookup(tree, part)
	if err != nil || info == nil {
		return nil, err
	}
	hit := &spot{layer: dir.layer, path: join(dir.path, part), info: info}
	marks, err := s.fs.marks.Read(tree, info)
	if marks.Whiteout {
		s.stop = true
		return nil, nil
	}
	if end := post == ""; end && s.metacopy && !info.Mode().IsRegular() || !info.IsDir() && (s.dir || !end) {
		s.stop = true
		return nil, nil
	} else if end && info.IsDir() {
		s.dir = true
	}
	if !info.IsDir() {
		s.metacopy = marks.Metacopy
		s.stop = !marks.Metacopy
	}
	switch {
	case s.last:
		return hit, unlessFile(info, err)
	case info.IsDir() && marks.Opaque:
		s.stop = true
		return hit, err
	case marks.Redirect == "" || !info.IsDir() && !marks.Metacopy:
		return hit, err
	}
	return hit, errors.Join(err, s.redirect(marks.Redirect, pre, post))
}

// unlessFile: the marks of the lowest directory do not count, so it does not matter if they cannot be read.
func unlessFile(info fs.FileInfo, err error) error {
	if info.IsDir() {
		return nil
	}
	return err
}

// redirect changes the name that the layers below are asked for (ovl_check_redirect).
func (s *search) redirect(to, pre, post string) error {
	if err := checkRedirect(to); err != nil {
		return err
	}
	if strings.HasPrefix(to, "/") {
		s.stop, pre = false, ""
	}
	s.name = pre + to + post
	return nil
}

// lookup gives the file of a name in a directory of a layer; nil where there is none.
func (s spot) lookup(tree volume.Tree, name string) (fs.FileInfo, error) {
	if s.names == nil {
		info, err := tree.Lstat(join(s.path, name))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return info, err
	}
	i, there := s.find(name)
	if !there {
		return nil, nil
	}
	return s.names[i].Info()
}

// join adds a name, or a path that begins with a slash, to a path of io/fs.
func join(dir, name string) string {
	name = strings.TrimPrefix(name, "/")
	if dir == "." {
		return name
	}
	return dir + "/" + name
}
