package lastwrites

import (
	"debug/elf"
	"fmt"
	"io/fs"
	"time"

	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// Kind says what became of a file or directory.
type Kind string

// The kinds of changes. An attacker who overwrites bytes where they lie and sets the time of modification back leaves what
// looks like Metadata: the time of change betrays that somebody was there, not what he did.
const (
	Added    Kind = "added"    // nothing that can be read was there under this path
	Modified Kind = "modified" // another file stands there, or its size, time of modification or place on the disk is another
	Metadata Kind = "metadata" // its mode, owner, links, attributes or times alone
	Deleted  Kind = "deleted"  // it is as the disk had it in its place, and is there no more
	Unread   Kind = "unread"   // no change: Problem says why it could not be read or compared
)

// Types of what changed.
const (
	File      = "file"
	Directory = "directory"
	Link      = "link"
	Whiteout  = "whiteout" // how overlayfs notes that a file of a layer below was deleted
	Special   = "special"  // a device, pipe or socket
)

// Change is one file or directory that changed. Its words are an attacker's.
type Change struct {
	Kind      Kind   `json:"change"`
	Partition int    `json:"partition,omitempty"`
	Path      string `json:"path"` // on the disk
	Place
	Inode    uint64    `json:"inode,omitempty"`
	Type     string    `json:"type,omitempty"`
	Mode     string    `json:"mode,omitempty"` // permissions in octal, with the bits for setuid, setgid and sticky
	UID      uint32    `json:"uid"`
	GID      uint32    `json:"gid"`
	Size     int64     `json:"size"`
	Accessed time.Time `json:"accessed,omitzero"`
	Modified time.Time `json:"modified,omitzero"`
	Changed  time.Time `json:"changed,omitzero"`
	Created  time.Time `json:"created,omitzero"`
	SHA256   string    `json:"sha256,omitempty"`  // of its content after the replay
	Alone    bool      `json:"journalOnly"`       // in this state only the journal knows it
	Before   *Before   `json:"before,omitempty"`  // as the disk has it in its place, where the journal alone says otherwise
	Problem  string    `json:"problem,omitempty"` // why it was not read or hashed

	Head    []byte `json:"-"` // the first bytes of a file
	Program bool   `json:"-"` // it may be executed, or begins like what is
	Setuid  bool   `json:"-"` // it runs with the rights of its owner or group
}

// Before is what a reader that does not replay the journal says of an entry.
type Before struct {
	Inode    uint64    `json:"inode"`
	Mode     string    `json:"mode"`
	UID      uint32    `json:"uid"`
	GID      uint32    `json:"gid"`
	Size     int64     `json:"size"`
	Modified time.Time `json:"modified,omitzero"`
}

func before(stat volume.Stat) *Before {
	return &Before{Inode: stat.Inode, Mode: octal(stat), UID: stat.UID, GID: stat.GID, Size: stat.Size, Modified: stat.Modified}
}

func octal(stat volume.Stat) string { return fmt.Sprintf("%04o", stat.Mode&0o7777) }

// ELF tells whether a file begins as a program does.
func (c *Change) ELF() bool { return isELF(c.Head) }

func isELF(head []byte) bool { return len(head) >= 4 && string(head[:4]) == elf.ELFMAG }

// describe fills in what the inode says.
func describe(p string, info fs.FileInfo, stat volume.Stat) Change {
	return Change{
		Path: p, Inode: stat.Inode, Type: typeOf(info, stat), Mode: octal(stat),
		UID: stat.UID, GID: stat.GID, Size: stat.Size,
		Accessed: stat.Accessed, Modified: stat.Modified, Changed: stat.Changed, Created: stat.Created,
		Setuid: info.Mode().IsRegular() && info.Mode()&(fs.ModeSetuid|fs.ModeSetgid) != 0,
	}
}

func typeOf(info fs.FileInfo, stat volume.Stat) string {
	switch mode := info.Mode(); {
	case mode.IsRegular():
		return File
	case mode.IsDir():
		return Directory
	case mode&fs.ModeSymlink != 0:
		return Link
	case mode&fs.ModeCharDevice != 0 && stat.Major == 0 && stat.Minor == 0:
		return Whiteout
	}
	return Special
}

// ShortPath cuts what is longer than any path that the kernel opens, and says so.
func ShortPath(p string) string {
	const most = 4096
	if len(p) <= most {
		return p
	}
	return fmt.Sprintf("%s…(%d bytes)…%s", p[:most/2], len(p)-most, p[len(p)-most/2:])
}
