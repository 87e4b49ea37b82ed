package xfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
)

// File is an open file or directory of the image. It is safe for concurrent ReadAt, not for concurrent Read.
type File struct {
	fs      *FS
	info    *Info
	offset  int64
	entries []fs.DirEntry // of a directory, once ReadDir was called
	listed  bool
	closed  bool
}

// Stat describes the file.
func (f *File) Stat() (fs.FileInfo, error) { return f.info, nil }

// Close forgets the file; nothing is held open.
func (f *File) Close() error {
	f.closed = true
	return nil
}

// Read reads on from where the last Read ended.
func (f *File) Read(p []byte) (int, error) {
	n, err := f.ReadAt(p, f.offset)
	f.offset += int64(n)
	if n > 0 && errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

// Seek moves where the next Read begins.
func (f *File) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += f.offset
	case io.SeekEnd:
		offset += f.info.inode.Size
	}
	if offset < 0 {
		return 0, &fs.PathError{Op: "seek", Path: f.info.name, Err: fs.ErrInvalid}
	}
	f.offset = offset
	return offset, nil
}

// ReadAt reads from offset on. Holes and unwritten extents read as zeros.
func (f *File) ReadAt(p []byte, offset int64) (int, error) {
	switch in := f.info.inode; {
	case f.closed:
		return 0, &fs.PathError{Op: "read", Path: f.info.name, Err: fs.ErrClosed}
	case offset < 0 || !in.isRegular():
		return 0, &fs.PathError{Op: "read", Path: f.info.name, Err: fs.ErrInvalid}
	default:
		return f.fs.readAt(in, p, offset)
	}
}

// ReadDir gives the next n entries of a directory, or all that are left when n is not positive.
func (f *File) ReadDir(n int) ([]fs.DirEntry, error) {
	if !f.info.IsDir() {
		return nil, &fs.PathError{Op: "readdir", Path: f.info.name, Err: errNotDir}
	}
	var damage error
	if !f.listed {
		left := f.fs.room()
		f.entries, damage = f.fs.list(f.info.inode, &left)
		f.listed = true
	}
	if n > 0 && len(f.entries) == 0 && damage == nil {
		return nil, io.EOF
	}
	if n <= 0 || n > len(f.entries) {
		n = len(f.entries)
	}
	out := f.entries[:n:n]
	f.entries = f.entries[n:]
	return out, damage
}

// readAt reads the blocks of an inode's first fork.
func (f *FS) readAt(in *Inode, p []byte, offset int64) (int, error) {
	if offset >= in.Size {
		return 0, io.EOF
	}
	var short error
	if int64(len(p)) > in.Size-offset {
		p, short = p[:in.Size-offset], io.EOF
	}
	if in.Flags&flagRealtime != 0 {
		return 0, damaged(fmt.Sprintf("inode %d", in.Number), "its bytes lie on a realtime device, which the file system does not have")
	}
	done := 0
	for done < len(p) {
		n, err := f.readStretch(in, &in.data, p[done:], offset+int64(done))
		if err != nil {
			return done, err
		}
		done += n
	}
	return done, short
}

// readStretch reads as much as lies in one run.
func (f *FS) readStretch(in *Inode, k *fork, p []byte, offset int64) (int, error) {
	bs := f.super.blockSize
	r, err := f.runAt(in, k, uint64(offset/bs))
	if err != nil {
		return 0, err
	}
	skip := offset % bs
	if left := f.bytesOf(r, math.MaxInt64-skip) - skip; left < int64(len(p)) {
		p = p[:left]
	}
	if r.physical == 0 {
		clear(p)
		return len(p), nil
	}
	if err := f.dev.read(int64(r.physical)*bs+skip, p); err != nil {
		return 0, fmt.Errorf("inode %d, offset %d: %w", in.Number, offset, err)
	}
	return len(p), nil
}

// bytesOf gives how many bytes a run has, most at most.
func (f *FS) bytesOf(r run, most int64) int64 {
	if r.blocks >= uint64(math.MaxInt64/f.super.blockSize) {
		return most
	}
	return min(int64(r.blocks)*f.super.blockSize, most)
}
