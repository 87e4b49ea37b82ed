package volume

import (
	"io"
	"io/fs"
)

// Layout is what a file system tells of the places of all that it keeps, besides the bytes of its files. Offsets are in
// bytes from its start.
type Layout interface {
	// Image reads the file system's bytes as they are after the journal is replayed.
	Image() io.ReaderAt

	// Newer gives the stretches of which the journal holds a newer copy, in order; their Logical is zero.
	Newer() []Extent

	// Regions visits the stretches that the file system uses for itself. What cannot be found is handed over as damage,
	// which decides whether to go on.
	Regions(do func(Region, error) error) error

	// Tables gives the stretches in which inodes in use lie, in the order of the disk.
	Tables() []Extent

	// Inode gives one inode; used is false for one that is free.
	Inode(n uint64) (info fs.FileInfo, used bool, err error)

	// EachInode visits the inodes in use that are a user's, in the order of the disk, without looking up their names. What
	// cannot be read is handed over as damage with the inode's number or that of the first of its block.
	EachInode(do func(n uint64, info fs.FileInfo, err error) error) error

	// Owned gives all blocks of an inode, in the order of its bytes and then those that map them and hold its attributes.
	// More than most are an error, and those come along.
	Owned(info fs.FileInfo, most int) ([]Owned, error)

	// InodeSize is the length of an inode in its table.
	InodeSize() int64
}

// Region is a stretch that the file system uses for itself.
type Region struct {
	Kind           string // "superblock", "group descriptors", "block bitmap", "inode bitmap", "inode table", "journal" or "reserved"
	Offset, Length int64
	First          uint64 // of an inode table: the number of the inode at its start
}

// What the blocks of an inode are for.
const (
	ForContent    = "content"    // of a file, directory or long link
	ForMap        = "map"        // of the content: nodes of the tree of extents, pointers
	ForAttributes = "attributes" // which several inodes may share
)

// Owned is a stretch of an inode's blocks.
type Owned struct {
	Extent
	For string
}
