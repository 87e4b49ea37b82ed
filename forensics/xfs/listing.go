package xfs

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// room is what the lists that are held at once may still take.
type room struct {
	entries int
	names   int64 // bytes
	blocks  int64 // to be read; a list that is let go of does not give them back
}

func (f *FS) room() room {
	return room{entries: f.limits.MaxDirEntries, names: f.limits.MaxNameBytes, blocks: f.limits.MaxDirBytes / f.super.blockSize}
}

// take makes room for an entry, where there is some.
func (r *room) take(name string) bool {
	if r.entries < 1 || r.names < int64(len(name)) {
		return false
	}
	r.entries--
	r.names -= int64(len(name))
	return true
}

// give takes a list's room back.
func (r *room) give(list []fs.DirEntry) {
	r.entries += len(list)
	for _, e := range list {
		r.names += int64(len(e.Name()))
	}
}

// list gives a directory's entries in the order of their names, without "." and "..". With an error, the entries that
// could be read come along.
func (f *FS) list(in *Inode, left *room) ([]fs.DirEntry, error) {
	var out []fs.DirEntry
	err := f.eachEntry(in, &left.blocks, func(e entry) (bool, error) {
		if !left.take(e.name) {
			return false, f.tooMany(in)
		}
		out = append(out, &dirEntry{fs: f, entry: e})
		return true, nil
	})
	slices.SortStableFunc(out, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return out, err
}

func (f *FS) tooMany(in *Inode) error {
	return damaged(fmt.Sprintf("inode %d", in.Number), "the directory and those above it have more than %d entries or %d bytes of names",
		f.limits.MaxDirEntries, f.limits.MaxNameBytes)
}
