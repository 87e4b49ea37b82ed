package forensics

import (
	"context"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/firebreak-ir/firebreak/forensics/ext4"
)

const maxHashed = 1 << 30 // bytes of one file

// change is one line of last-writes.jsonl.
type change struct {
	Change    string    `json:"change"` // written, changed or deleted
	Path      string    `json:"path"`   // on the disk
	Inside    string    `json:"inside,omitempty"`
	Container string    `json:"container,omitempty"`
	Pod       string    `json:"pod,omitempty"`
	Type      string    `json:"type"`
	Mode      string    `json:"mode"`
	UID       uint32    `json:"uid"`
	GID       uint32    `json:"gid"`
	Size      int64     `json:"size"`
	Modified  time.Time `json:"modified,omitzero"`
	Changed   time.Time `json:"changed,omitzero"`
	Created   time.Time `json:"created,omitzero"`
	SHA256    string    `json:"sha256,omitempty"`
	Alone     bool      `json:"journalOnly"`
	Problem   string    `json:"problem,omitempty"` // why it was not read
	Severity  string    `json:"severity,omitempty"`
	Title     string    `json:"title,omitempty"`
	head      []byte
	program   bool
	setuid    bool
	whiteout  bool
}

// describe looks at one file after the replay.
func (c *comparison) describe(what, p string, info fs.FileInfo) change {
	in := info.Sys().(*ext4.Inode)
	ch := change{
		Change: what, Path: p, Mode: info.Mode().Perm().String(), UID: in.UID, GID: in.GID, Size: in.Size, Type: "file",
		Modified: in.Modified, Changed: in.Changed, Created: in.Created, setuid: info.Mode()&(fs.ModeSetuid|fs.ModeSetgid) != 0,
	}
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		ch.Type = "link"
	case info.Mode()&fs.ModeCharDevice != 0 && in.Device == 0:
		ch.Type, ch.whiteout = "whiteout", true
	case !info.Mode().IsRegular():
		ch.Type = "special"
	case in.Size > maxHashed:
		ch.Problem = fmt.Sprintf("not hashed: more than %d bytes", maxHashed)
	default:
		c.read(&ch)
		ch.program = ch.program || info.Mode().Perm()&0o111 != 0
	}
	return ch
}

// read hashes a file and keeps its first bytes.
func (c *comparison) read(ch *change) {
	f, err := c.disk.OpenFile(ch.Path)
	if err != nil {
		ch.Problem = oneLine(err.Error())
		return
	}
	h, head := sha256.New(), &bounded{most: 64}
	if _, err := io.Copy(io.MultiWriter(h, head), untilDone{c.ctx, f}); err != nil {
		ch.Problem = oneLine(err.Error())
		return
	}
	ch.SHA256, ch.head = hex.EncodeToString(h.Sum(nil)), head.kept.Bytes()
	ch.program = isELF(ch.head) || len(ch.head) > 2 && string(ch.head[:2]) == "#!"
}

func isELF(head []byte) bool { return len(head) >= 4 && string(head[:4]) == elf.ELFMAG }

// untilDone stops reading when nobody waits any more.
type untilDone struct {
	ctx context.Context
	r   io.Reader
}

func (u untilDone) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.r.Read(p)
}
