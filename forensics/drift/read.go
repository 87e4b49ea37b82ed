package drift

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

// reader hashes files as long as the limits allow.
type reader struct {
	ctx        context.Context
	left, most int64
	buffer     []byte
	sum        *Summary
}

// hash gives the SHA-256 of a regular file's bytes.
func (r *reader) hash(tree volume.Tree, info fs.FileInfo) (string, error) {
	if info == nil {
		return "", errors.New("not hashed: the merged view does not show it")
	}
	size := info.Size()
	switch {
	case size > r.most:
		r.sum.Unhashed++
		return "", fmt.Errorf("not hashed: %d bytes are more than the limit of %d for one file", size, r.most)
	case size > r.left:
		r.sum.Unhashed++
		return "", errors.New("not hashed: the limit of bytes to hash is used up")
	}
	f, err := tree.OpenFound(info)
	if err != nil {
		return "", fmt.Errorf("not hashed: %w", err)
	}
	defer func() { _ = f.Close() }()
	if r.buffer == nil {
		r.buffer = make([]byte, 256<<10)
	}
	h := sha256.New()
	n, err := io.CopyBuffer(h, untilDone{r.ctx, io.LimitReader(f, size)}, r.buffer)
	r.left -= n
	r.sum.Hashed += n
	if err == nil && n < size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return "", fmt.Errorf("not hashed: at byte %d: %w", n, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
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

// Open opens the new file of a change. A change without one, or one that is no regular file, is an error.
func (ch *Change) Open() (volume.File, error) {
	if ch.Tree == nil || ch.Info == nil || !ch.Info.Mode().IsRegular() {
		return nil, fs.ErrInvalid
	}
	f, err := ch.Tree.OpenFound(ch.Info)
	if err != nil {
		return nil, err
	}
	file, ok := f.(volume.File)
	if !ok {
		_ = f.Close()
		return nil, fs.ErrInvalid
	}
	return file, nil
}
