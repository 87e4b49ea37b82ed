package overlay

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// room is what the lists that are held at once may still take.
type room struct {
	entries int
	names   int64 // bytes
}

func fullRoom() *room { return &room{entries: maxListed, names: maxNames} }

// take makes room for as many of the entries as there is some for.
func (r *room) take(list []fs.DirEntry) []fs.DirEntry {
	for i, e := range list {
		if r.entries < 1 || r.names < int64(len(e.Name())) {
			return list[:i:i]
		}
		r.entries--
		r.names -= int64(len(e.Name()))
	}
	return list
}

// give takes a list's room back.
func (r *room) give(list []fs.DirEntry) {
	r.entries += len(list)
	for _, e := range list {
		r.names += int64(len(e.Name()))
	}
}

// list gives the entries of a directory in the order of their names. With an error, those that could be read come along.
// What is wrong with one entry is the entry's.
func (f *FS) list(in *Info, left *room) ([]fs.DirEntry, error) {
	parent := slices.Clone(in.spots)
	var errs []error
	var names []string
	for i := range parent {
		found, err := f.read(parent[i])
		if err != nil {
			errs = append(errs, fmt.Errorf("layer %d, %q: %w", parent[i].layer, parent[i].path, err))
		}
		parent[i].names = left.take(found)
		defer left.give(parent[i].names)
		if len(parent[i].names) < len(found) {
			errs = append(errs, fmt.Errorf("layer %d, %q: the directory and those above it have more than %d entries or %d bytes of names",
				parent[i].layer, parent[i].path, maxListed, int64(maxNames)))
		}
		for _, e := range parent[i].names {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return f.entries(parent, slices.Compact(names)), errors.Join(errs...)
}

func (f *FS) entries(parent []spot, names []string) []fs.DirEntry {
	out := make([]fs.DirEntry, 0, len(names))
	for _, name := range names {
		info, err := f.child(parent, name)
		if info == nil && err == nil { // deleted
			continue
		}
		out = append(out, &dirEntry{name: name, kind: kindOf(parent, name), info: info, wrong: err})
	}
	return out
}

// kindOf is what a directory says of an entry that cannot be read.
func kindOf(parent []spot, name string) fs.FileMode {
	for _, dir := range parent {
		if i, there := dir.find(name); there {
			return dir.names[i].Type()
		}
	}
	return 0
}

func (s spot) find(name string) (int, bool) {
	return slices.BinarySearchFunc(s.names, name, func(d fs.DirEntry, n string) int { return strings.Compare(d.Name(), n) })
}

// read lists a directory of one layer: never nil, in order, each name once and valid. It is opened as it was found, so that
// no link can come between.
func (f *FS) read(dir spot) ([]fs.DirEntry, error) {
	found, err := f.readRaw(dir)
	slices.SortStableFunc(found, byName) // which they are already
	out := make([]fs.DirEntry, 0, len(found))
	errs := []error{err}
	for _, e := range found {
		switch {
		case !validName(e.Name()):
			errs = append(errs, fmt.Errorf("the impossible name %q", e.Name()))
		case len(out) > 0 && out[len(out)-1].Name() == e.Name():
			errs = append(errs, fmt.Errorf("the name %q is there twice", e.Name()))
		default:
			out = append(out, e)
		}
		if len(errs) > maxErrors {
			return out, errors.Join(errs...)
		}
	}
	return out, errors.Join(errs...)
}

const maxErrors = 100 // of one directory; more tell nothing new

func byName(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) }

func (f *FS) readRaw(dir spot) ([]fs.DirEntry, error) {
	tree := f.layers[dir.layer].Tree
	open, err := tree.OpenFound(dir.info)
	if err != nil {
		return nil, err
	}
	defer func() { _ = open.Close() }()
	if list, ok := open.(fs.ReadDirFile); ok {
		return list.ReadDir(-1)
	}
	return tree.ReadDir(dir.path)
}
