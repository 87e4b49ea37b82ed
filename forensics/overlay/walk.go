package overlay

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"

	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// Walk calls do for root and everything below it in the order of names, with the rules of fs.WalkDir. Damage is handed to
// do, which decides whether to go on: what is wrong with an entry itself before the entry is visited, what is wrong with a
// directory's list after. No link is followed. A directory of a layer that is met again at another place of its layer is
// damage and not entered.
func (f *FS) Walk(root string, do fs.WalkDirFunc) error {
	info, err := f.lookup("walk", root, false)
	if info == nil {
		return finish(do(root, nil, err))
	}
	t := &tour{fs: f, do: do, seen: map[place]uint64{}, again: maxDuplicate, left: fullRoom()}
	return finish(t.visit(root, &dirEntry{name: info.name, info: info, wrong: err}, 0))
}

// finish turns what a callback says to end the walk into success.
func finish(err error) error {
	if errors.Is(err, fs.SkipDir) || errors.Is(err, fs.SkipAll) {
		return nil
	}
	return err
}

// place is a directory of a layer, which no two paths of the layer lead to.
type place struct {
	layer int
	inode uint64
}

type tour struct {
	fs    *FS
	do    fs.WalkDirFunc
	seen  map[place]uint64 // digest of the path in the layer
	again int              // directories that may still be entered once more, as redirects can have it
	left  *room
}

func (t *tour) visit(p string, d *dirEntry, depth int) error {
	if d.wrong != nil {
		if err := t.do(p, d, d.wrong); err != nil {
			return unlessSkipped(err, d)
		}
	}
	if err := t.do(p, d, nil); err != nil {
		return unlessSkipped(err, d)
	}
	if d.info == nil || !d.IsDir() {
		return nil
	}
	entries, damage := t.enter(d.info, depth)
	entries = t.left.take(entries)
	defer t.left.give(entries)
	if damage != nil {
		if err := t.do(p, d, damage); err != nil {
			return unlessSkipped(err, d)
		}
	}
	return t.below(p, entries, depth)
}

func (t *tour) below(p string, entries []fs.DirEntry, depth int) error {
	for _, e := range entries {
		err := t.visit(join(p, e.Name()), e.(*dirEntry), depth+1)
		if errors.Is(err, fs.SkipDir) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// enter lists a directory. The uppermost of the directories that it is merged from tells loops.
func (t *tour) enter(in *Info, depth int) ([]fs.DirEntry, error) {
	top := in.spots[0]
	where := fmt.Sprintf("layer %d, %q", top.layer, top.path)
	if depth > maxDepth {
		return nil, fmt.Errorf("%s: the directory lies %d levels deep", where, depth)
	}
	stat, _ := volume.StatOf(top.info)
	at := place{top.layer, stat.Inode}
	digest := fnv.New64a()
	_, _ = digest.Write([]byte(top.path))
	before, met := t.seen[at]
	switch {
	case !met:
		t.seen[at] = digest.Sum64()
	case before != digest.Sum64():
		return nil, fmt.Errorf("%s: the directory, inode %d, was met before", where, stat.Inode)
	case t.again == 0:
		return nil, fmt.Errorf("%s: more than %d directories show at several places", where, maxDuplicate)
	default:
		t.again--
	}
	return t.fs.list(in, t.left)
}

// unlessSkipped turns what a callback says to leave a directory out into success; said of a file, it is its parent's.
func unlessSkipped(err error, d *dirEntry) error {
	if errors.Is(err, fs.SkipDir) && d.IsDir() {
		return nil
	}
	return err
}
