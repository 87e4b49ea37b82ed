package forensics

import (
	"context"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/firebreak-ir/firebreak/forensics/volume"
)

const (
	maxHashed    = 1 << 30   // bytes of one file
	maxAllHashed = 100 << 30 // bytes of all files
	maxPieces    = 1 << 16   // of one file
	pieceCost    = 4 << 10   // bytes that finding a piece counts for
	smallHole    = 64 << 10  // bytes that are hashed although no block holds them
	unreadChange = "unread"  // what is no change: the file or directory could not be read
)

// change is one line of last-writes.jsonl.
type change struct {
	Change    string    `json:"change"` // written, changed, deleted or unread
	Partition int       `json:"partition,omitempty"`
	Path      string    `json:"path"` // on the disk
	Inside    string    `json:"inside,omitempty"`
	Container string    `json:"container,omitempty"`
	Pod       string    `json:"pod,omitempty"`
	Layer     string    `json:"layer,omitempty"` // on the disk, where no container owns it
	Type      string    `json:"type,omitempty"`
	Mode      string    `json:"mode,omitempty"`
	UID       uint32    `json:"uid"`
	GID       uint32    `json:"gid"`
	Size      int64     `json:"size"`
	Modified  time.Time `json:"modified,omitzero"`
	Changed   time.Time `json:"changed,omitzero"`
	Created   time.Time `json:"created,omitzero"`
	SHA256    string    `json:"sha256,omitempty"`
	Alone     bool      `json:"journalOnly"`
	Problem   string    `json:"problem,omitempty"`  // why it was not read or hashed
	Unjudged  string    `json:"unjudged,omitempty"` // why it does not count
	Severity  string    `json:"severity,omitempty"`
	Title     string    `json:"title,omitempty"`
	head      []byte
	program   bool
	setuid    bool
	whiteout  bool
}

// describe looks at one file after the replay.
func (c *comparison) describe(what, p string, info fs.FileInfo, stat volume.Stat) change {
	ch := change{
		Change: what, Path: p, Mode: info.Mode().Perm().String(), UID: stat.UID, GID: stat.GID, Size: stat.Size, Type: "file",
		Modified: stat.Modified, Changed: stat.Changed, Created: stat.Created, setuid: info.Mode()&(fs.ModeSetuid|fs.ModeSetgid) != 0,
	}
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		ch.Type = "link"
	case info.Mode()&fs.ModeCharDevice != 0 && stat.Major == 0 && stat.Minor == 0:
		ch.Type, ch.whiteout = "whiteout", true
	case !info.Mode().IsRegular():
		ch.Type = "special"
	default:
		c.read(&ch, info)
		ch.program = ch.program || info.Mode().Perm()&0o111 != 0
	}
	return ch
}

// read keeps a file's first bytes, and hashes it where that is affordable. The file is opened by its inode: looking up a
// path reads every directory on it, and finds the first of two files that a damaged directory calls the same.
func (c *comparison) read(ch *change, info fs.FileInfo) {
	f, err := openFile(c.disk, info)
	if err != nil {
		ch.Problem = oneLine(err.Error())
		return
	}
	head := make([]byte, min(64, ch.Size))
	if _, err := io.ReadFull(f, head); err == nil {
		ch.program = isELF(head) || len(head) > 2 && string(head[:2]) == "#!"
		ch.head = head
	}
	if err := c.spend(info, ch.Size); err != nil {
		ch.Problem = oneLine("not hashed: " + err.Error())
		return
	}
	if c.out.resumed() { // the attempt before has hashed it
		return
	}
	h := sha256.New()
	if _, err := io.CopyBuffer(h, untilDone{c.ctx, io.NewSectionReader(f, 0, ch.Size)}, make([]byte, 256<<10)); err != nil {
		ch.Problem = oneLine(err.Error())
		return
	}
	ch.SHA256 = hex.EncodeToString(h.Sum(nil))
}

// openFile opens a regular file that the disk gave.
func openFile(disk volume.FS, info fs.FileInfo) (volume.File, error) {
	f, err := disk.OpenFound(info)
	if err != nil {
		return nil, err
	}
	file, ok := f.(volume.File)
	if !ok {
		return nil, fs.ErrInvalid
	}
	return file, nil
}

// budget is how many bytes may still be hashed. A file that is mostly holes takes no room on the disk and as long to
// hash as one that does, so it is not hashed: what is spent was paid for with blocks.
type budget struct{ left int64 }

// spend takes a file out of the budget, or says why it is not hashed.
func (c *comparison) spend(info fs.FileInfo, size int64) error {
	if size > maxHashed {
		return fmt.Errorf("it has more than %d bytes", maxHashed)
	}
	extents, err := c.disk.Extents(info, maxPieces)
	if err != nil {
		return err
	}
	return c.hash.spend(size, extents)
}

func (b *budget) spend(size int64, extents []volume.Extent) error {
	holes := size
	for _, e := range extents {
		holes -= e.Length
	}
	if holes > smallHole && holes > size-holes {
		return fmt.Errorf("%d of its %d bytes are holes", holes, size)
	}
	cost := size + int64(len(extents))*pieceCost
	if cost > b.left {
		return errors.New("what one comparison hashes is used up")
	}
	b.left -= cost
	return nil
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
