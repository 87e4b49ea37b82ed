// Package volume says what a reader of a file system offers, whatever the file system's kind: entries with all that the
// kernel's statx and listxattr tell of them, their bytes, and where those lie. It reads nothing itself.
package volume

import (
	"errors"
	"io"
	"io/fs"
	"time"
)

// Tree is a tree of files on an image: a file system, or the merged view of a container's layers. Links are followed
// inside the image only. It is safe for concurrent use.
type Tree interface {
	fs.StatFS     // follows links
	fs.ReadDirFS  // in the order of names; with an error, the entries that could be read come along
	fs.ReadLinkFS // Lstat does not follow a link at the end of a path

	// Walk visits a subtree in the order of names, with the rules of fs.WalkDir, following no link. Damage is handed to do,
	// which decides whether to go on.
	Walk(root string, do fs.WalkDirFunc) error

	// OpenFound opens what info describes, which this tree gave, without looking up its path again. A regular file is a
	// File. Devices, pipes and sockets are never read.
	OpenFound(info fs.FileInfo) (fs.File, error)

	// Xattrs gives the extended attributes of what info describes, which this tree gave, those with an empty value and
	// those of the trusted namespace included. With an error, those that could be read come along.
	Xattrs(info fs.FileInfo) (map[string][]byte, error)
}

// FS is one file system on an image, such as *ext4.FS and *xfs.FS.
type FS interface {
	Tree

	// Extents gives where the bytes of a regular file lie on the image, in the order of the file. Stretches that are not
	// listed read as zeros: holes, and what is allocated and not written. A file whose bytes stand in its inode has none. One
	// that lies in more pieces than most is an error, and those come along.
	Extents(info fs.FileInfo, most int) ([]Extent, error)

	BlockSize() int64 // in bytes
	UUID() string     // as blkid prints it
	Label() string    // an attacker's words
	Replayed() Replay // what the journal held
	Damage() []error  // what was found wrong when the image was opened
}

// File is an open regular file of a Tree.
type File interface {
	fs.File
	io.ReaderAt
	io.Seeker
}

// OpenFile opens a regular file that a tree described, without looking up its path again.
func OpenFile(tree Tree, info fs.FileInfo) (File, error) {
	f, err := tree.OpenFound(info)
	if err != nil {
		return nil, err
	}
	file, ok := f.(File)
	if !ok || !info.Mode().IsRegular() {
		return nil, errors.Join(&fs.PathError{Op: "open", Path: info.Name(), Err: fs.ErrInvalid}, f.Close())
	}
	return file, nil
}

// Extent is a stretch of a file: Length bytes from Logical on lie at Physical, in bytes from the start of the file
// system. The journal may hold newer copies of its blocks, which reading the file gives.
type Extent struct {
	Logical, Physical, Length int64
}

// Info is what every fs.FileInfo of a Tree is.
type Info interface {
	fs.FileInfo
	Stat() Stat
}

// Stat is what the kernel's statx tells of a file. Times are zero where the image does not say.
type Stat struct {
	Inode      uint64    `json:"inode"`
	Mode       uint32    `json:"mode"` // type and permissions, as in stat(2)
	UID        uint32    `json:"uid"`
	GID        uint32    `json:"gid"`
	Links      uint32    `json:"links"`
	Generation uint32    `json:"generation,omitempty"`
	Major      uint32    `json:"major,omitempty"` // of a device node
	Minor      uint32    `json:"minor,omitempty"`
	Size       int64     `json:"size"`
	Accessed   time.Time `json:"accessed,omitzero"`
	Modified   time.Time `json:"modified,omitzero"`
	Changed    time.Time `json:"changed,omitzero"`
	Created    time.Time `json:"created,omitzero"`
}

// Types of st_mode.
const (
	TypeMask    = 0xF000
	TypeFIFO    = 0x1000
	TypeChar    = 0x2000
	TypeDir     = 0x4000
	TypeBlock   = 0x6000
	TypeRegular = 0x8000
	TypeLink    = 0xA000
	TypeSocket  = 0xC000
)

// StatOf gives what the image says of a file. It is false for a FileInfo that no Tree gave.
func StatOf(info fs.FileInfo) (Stat, bool) {
	known, ok := info.(Info)
	if !ok {
		return Stat{}, false
	}
	return known.Stat(), true
}

// Replay says what a journal or log held.
type Replay struct {
	Needed       bool      // the file system was in use when the image was taken
	Transactions int       // committed and replayed
	FastCommits  int       // short ones of ext4, after the last transaction, replayed
	Blocks       int       // blocks of the image that the journal holds in a newer copy
	Revoked      int       // copies that a later transaction revoked or cancelled
	First, Last  uint64    // sequence numbers of the transactions
	LastCommit   time.Time // when the last of them was committed, by the node's clock; zero where the journal does not say
	Stopped      string    // why the log ended, for the person who doubts it
}
