package ext4

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
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

// readAt reads the content of any inode, whatever way the image stores it.
func (f *FS) readAt(in *Inode, p []byte, offset int64) (int, error) {
	if offset >= in.Size {
		return 0, io.EOF
	}
	var short error
	if int64(len(p)) > in.Size-offset {
		p, short = p[:in.Size-offset], io.EOF
	}
	if in.inline() {
		return f.readInline(in, p, offset, short)
	}
	done := 0
	for done < len(p) {
		n, err := f.readStretch(in, p[done:], offset+int64(done))
		if err != nil {
			return done, err
		}
		done += n
	}
	return done, short
}

// readStretch reads as much as lies in one run.
func (f *FS) readStretch(in *Inode, p []byte, offset int64) (int, error) {
	bs := f.super.blockSize
	r, err := f.runAt(in, uint64(offset/bs))
	if err != nil {
		return 0, err
	}
	skip := offset % bs
	if left := int64(min(r.blocks, maxLogical))*bs - skip; left < int64(len(p)) {
		p = p[:left]
	}
	if r.physical == 0 {
		clear(p)
		return len(p), nil
	}
	if err := f.dev.readRun(r.physical, skip, p); err != nil {
		return 0, fmt.Errorf("inode %d, offset %d: %w", in.Number, offset, err)
	}
	return len(p), nil
}

// readInline reads a file whose bytes stand in the inode and its extended attribute.
func (f *FS) readInline(in *Inode, p []byte, offset int64, short error) (int, error) {
	data, err := f.inlineData(in)
	if err != nil {
		return 0, err
	}
	if int64(len(data)) > offset {
		n := copy(p, data[offset:])
		clear(p[n:])
		return len(p), short
	}
	clear(p)
	return len(p), short
}

// readAll reads a small content whole; limit bounds what a damaged size can ask for.
func (f *FS) readAll(in *Inode, limit int64) ([]byte, error) {
	if in.Size > limit {
		return nil, damaged(fmt.Sprintf("inode %d", in.Number), "its %d bytes are more than the %d that are possible here", in.Size, limit)
	}
	b := make([]byte, in.Size)
	if _, err := f.readAt(in, b, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return b, nil
}

// Holes gives how many bytes of a file no block holds (they read as zeros) and in how many pieces the file lies, where
// those are no more than most.
func (f *File) Holes(most int) (holes int64, pieces int, err error) {
	in, bs := f.info.inode, f.fs.super.blockSize
	if in.inline() || !in.isRegular() {
		return 0, 0, nil
	}
	for at := int64(0); at < in.Size; {
		r, err := f.fs.runAt(in, uint64(at/bs))
		if err != nil {
			return 0, 0, err
		}
		if pieces++; pieces > most {
			return 0, 0, damaged(fmt.Sprintf("inode %d", in.Number), "it lies in more than %d pieces", most)
		}
		length := min(int64(min(r.blocks, maxLogical))*bs, in.Size-at)
		if r.physical == 0 {
			holes += length
		}
		at += length
	}
	return holes, pieces, nil
}
