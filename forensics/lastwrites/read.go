package lastwrites

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/firebreak-ir/firebreak/forensics/volume"
)

const (
	maxHashed = 1 << 30  // bytes of one file
	maxPieces = 1 << 16  // of one file
	pieceCost = 4 << 10  // bytes that finding a piece counts for
	smallHole = 64 << 10 // bytes that are hashed although no block holds them
)

// read keeps a file's first bytes, and hashes it where that is affordable. The file is opened by its inode: looking up a
// path reads every directory on it, and finds the first of two files that a damaged directory calls the same.
func (c *comparison) read(ch *Change, info fs.FileInfo) {
	ch.Program = info.Mode().Perm()&0o111 != 0
	f, err := volume.OpenFile(c.now, info)
	if err != nil {
		ch.Problem = err.Error()
		return
	}
	defer func() { _ = f.Close() }() // it was only read
	head := make([]byte, min(64, max(ch.Size, 0)))
	if _, err := io.ReadFull(f, head); err == nil {
		ch.Program = ch.Program || isELF(head) || len(head) > 2 && string(head[:2]) == "#!"
		ch.Head = head
	}
	if c.Hash == nil {
		return
	}
	if err := c.spend(info, ch.Size); err != nil {
		ch.Problem = "not hashed: " + err.Error()
		return
	}
	if c.Known != nil && c.Known() { // the attempt before has hashed it
		return
	}
	h := sha256.New()
	if _, err := io.CopyBuffer(h, untilDone{c.ctx, io.NewSectionReader(f, 0, ch.Size)}, make([]byte, 256<<10)); err != nil {
		ch.Problem = err.Error()
		return
	}
	ch.SHA256 = hex.EncodeToString(h.Sum(nil))
}

// Budget is how many bytes may still be hashed. A file that is mostly holes takes no room on the disk and as long to
// hash as one that does, so it is not hashed: what is spent was paid for with blocks.
type Budget struct{ left int64 }

// NewBudget lets so many bytes be hashed.
func NewBudget(bytes int64) *Budget { return &Budget{left: bytes} }

// spend takes a file out of the budget, or says why it is not hashed.
func (c *comparison) spend(info fs.FileInfo, size int64) error {
	if size > maxHashed {
		return fmt.Errorf("it has more than %d bytes", maxHashed)
	}
	extents, err := c.now.Extents(info, maxPieces)
	if err != nil {
		return err
	}
	return c.Hash.spend(size, extents)
}

func (b *Budget) spend(size int64, extents []volume.Extent) error {
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
