package extract

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// readError is a failure of the image, not of this machine.
type readError struct{ err error }

func (e *readError) Error() string { return "read from the image: " + e.err.Error() }
func (e *readError) Unwrap() error { return e.err }

// opener is a disk that opens a file by its description: the very file that was described, and no path is looked up again.
type opener interface {
	OpenFound(info fs.FileInfo) (fs.File, error)
}

func (c *copier) open(p string, info fs.FileInfo) (fs.File, error) {
	if disk, ok := c.disk.(opener); ok {
		return disk.OpenFound(info)
	}
	return c.disk.Open(p)
}

// fill makes a new file and copies into it. Nothing that exists is opened, and no link followed.
func (c *copier) fill(p, to string, info fs.FileInfo) (int64, error) {
	from, err := c.open(p, info)
	if err != nil {
		return 0, &readError{err}
	}
	defer func() { _ = from.Close() }()
	out, err := c.root.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return 0, fmt.Errorf("make file: %w", err)
	}
	r := &reader{ctx: c.ctx, from: io.LimitReader(from, info.Size())}
	n, err := io.Copy(out, r)
	if r.err != nil {
		err = &readError{r.err}
	}
	return n, errors.Join(err, out.Close())
}

// reader keeps the source's error apart from the target's.
type reader struct {
	ctx  context.Context
	from io.Reader
	err  error
}

func (r *reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := r.from.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		r.err = err
	}
	return n, err
}
