package xfs

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
)

// maxPathDepth is more than any path that the kernel can open.
const maxPathDepth = 2048

// Walk calls do for root and everything below it in the order of names, with the rules of fs.WalkDir: damage is handed to
// do, which decides whether to go on, and what a damaged directory still lists is visited. What is wrong with an entry
// itself (its inode cannot be read, has a wrong checksum, or is of another type than the directory says) is handed to do before the entry is
// visited. The inode's type counts. No link is followed. A directory that is met a second time is damage and not entered
// again.
func (f *FS) Walk(root string, do fs.WalkDirFunc) error {
	info, err := f.lookup("walk", root, false)
	if err != nil {
		return finish(do(root, nil, err))
	}
	w := &tree{fs: f, do: do, seen: map[uint64]bool{}, left: f.room(), blocks: int64(f.super.blocks)}
	return finish(w.visit(root, &dirEntry{fs: f, entry: entry{name: info.name, inode: info.inode.Number}}, 0))
}

// finish turns what a callback says to end the walk into success.
func finish(err error) error {
	if errors.Is(err, fs.SkipDir) || errors.Is(err, fs.SkipAll) {
		return nil
	}
	return err
}

type tree struct {
	fs     *FS
	do     fs.WalkDirFunc
	seen   map[uint64]bool
	left   room  // for the lists of the directory that is visited and of all above it
	blocks int64 // of directories, still to be read: no block belongs to two
}

func (t *tree) visit(p string, d *dirEntry, depth int) error {
	d, wrong := d.read()
	if wrong != nil {
		if err := t.do(p, d, wrong); err != nil {
			return unlessSkipped(err, d)
		}
	}
	if err := t.do(p, d, nil); err != nil {
		return unlessSkipped(err, d)
	}
	if d.in == nil || !d.IsDir() {
		return nil
	}
	entries, damage := t.enter(d.in, depth)
	defer t.left.give(entries)
	if damage != nil {
		if err := t.do(p, d, damage); err != nil {
			return unlessSkipped(err, d)
		}
	}
	return t.below(p, entries, depth)
}

func (t *tree) below(p string, entries []fs.DirEntry, depth int) error {
	for _, e := range entries {
		child := e.Name()
		if p != "." {
			child = path.Join(p, child)
		}
		err := t.visit(child, e.(*dirEntry), depth+1)
		if errors.Is(err, fs.SkipDir) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// enter lists a directory once.
func (t *tree) enter(in *Inode, depth int) ([]fs.DirEntry, error) {
	place := fmt.Sprintf("inode %d", in.Number)
	switch {
	case t.seen[in.Number]:
		return nil, damaged(place, "the directory was met before")
	case depth > maxPathDepth:
		return nil, damaged(place, "the directory lies %d levels deep", depth)
	case !in.isDir():
		return nil, damaged(place, "its name is of a directory, its mode %#o is not", in.Mode)
	}
	t.seen[in.Number] = true
	return t.list(in)
}

// list lists a directory within what is left for the whole walk.
func (t *tree) list(in *Inode) ([]fs.DirEntry, error) {
	most := min(t.fs.limits.MaxDirBytes/t.fs.super.blockSize, t.blocks)
	t.left.blocks = most
	out, err := t.fs.list(in, &t.left)
	t.blocks -= most - max(t.left.blocks, 0)
	if t.blocks == 0 {
		err = errors.Join(err, damaged(fmt.Sprintf("inode %d", in.Number), "the directories have more blocks than the file system"))
	}
	return out, err
}

// unlessSkipped turns what a callback says to leave a directory out into success; said of a file, it is its parent's.
func unlessSkipped(err error, d *dirEntry) error {
	if errors.Is(err, fs.SkipDir) && d.IsDir() {
		return nil
	}
	return err
}
