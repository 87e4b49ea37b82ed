// Package changed says what the blocks in which two snapshots of a disk differ belong to: files and directories with their
// paths and containers, the file system's own structures, or nothing. Both are read as they are after their journals are
// replayed, so a change that stands in a journal alone is found too.
package changed

import (
	"context"
	"errors"
	"io"

	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// Side is one of the two file systems.
type Side struct {
	FS volume.FS
	// Disk reads the file system's bytes; it is used where FS is no volume.Layout, and may be nil otherwise.
	Disk io.ReaderAt
	Size int64 // in bytes
}

// Input is what is compared.
type Input struct {
	Before, After Side
	// Ranges are where the two may differ, in bytes from the start of the file system; nil compares all of it.
	Ranges []Stretch
	// Owner names the container that a path belongs to, "" where it is none's; nil names none.
	Owner func(path string) string
}

// Options bound what is held. The zero value is a sensible choice for every field.
type Options struct {
	MaxStretches int // of the disk that differ; a million. Beyond it neighbours are taken for one
	MaxFiles     int // that changed; a million
	MaxPieces    int // in which one file lies; a million
}

func (o Options) withDefaults() Options {
	for _, n := range []*int{&o.MaxStretches, &o.MaxFiles, &o.MaxPieces} {
		if *n <= 0 {
			*n = 1 << 20
		}
	}
	return o
}

// What became of a file.
const (
	Added    = "added"
	Deleted  = "deleted"
	Modified = "modified"
)

// File is an inode that changed, or whose blocks did.
type File struct {
	Inode     uint64   `json:"inode"`               // a deleted file's may be another's now, which then is added
	Type      string   `json:"type"`                // file, directory, link, device, pipe or socket
	Change    string   `json:"change"`              // added, deleted or modified
	Paths     []string `json:"paths"`               // all of its names; of a deleted one, those it had. Without any, it is open and unlinked
	OldPaths  []string `json:"oldPaths,omitempty"`  // where it had others
	Container string   `json:"container,omitempty"` // of its first path
	Fields    []string `json:"fields,omitempty"`    // of its inode that differ: mode, owner, links, size, modified, changed, accessed, created, other
	Content   []Piece  `json:"content,omitempty"`   // where its bytes, or a directory's entries, differ
	Freed     []Piece  `json:"freed,omitempty"`     // what it had there before, and no longer has
	Map       int64    `json:"map,omitempty"`       // bytes that differ of what maps its content
	Attrs     int64    `json:"attributes,omitempty"`
}

// Piece is a stretch of a file's bytes, and where it lies in the file system.
type Piece struct {
	Offset int64 `json:"offset"` // in the file
	Disk   int64 `json:"disk"`   // from the start of the file system
	Length int64 `json:"length"`
}

// Area is what of the file system's own structures differs.
type Area struct {
	Kind      string    `json:"kind"`
	Bytes     int64     `json:"bytes"`
	Stretches []Stretch `json:"stretches,omitempty"` // the first hundred
}

// Report is what differs.
type Report struct {
	Bytes       int64    `json:"bytes"` // that differ
	Files       []File   `json:"files"` // by their first path, then by inode
	Areas       []Area   `json:"areas"` // by kind
	Unallocated Area     `json:"unallocated"`
	Coarse      int64    `json:"coarse,omitempty"`   // gaps of up to so many bytes were taken for differences
	Problems    []string `json:"problems,omitempty"` // what could not be read, and where
}

// Map compares. Damage of the images is listed under Problems and the rest is still compared; an error is a mistake of the
// caller, or the context's.
func Map(ctx context.Context, in Input, opts Options) (Report, error) {
	if in.Before.FS == nil || in.After.FS == nil {
		return Report{}, errors.New("compare two file systems: one of them is missing")
	}
	m := &mapper{ctx: ctx, in: in, opts: opts.withDefaults(), files: map[uint64]*File{}, gone: map[uint64]*File{}, areas: map[string]*Area{}}
	for _, step := range []func() error{m.differences, m.regions, m.afterInodes, m.beforeInodes, m.fates, m.names} {
		if err := step(); err != nil {
			return Report{}, err
		}
	}
	return m.report(), nil
}
