package overlay

import (
	"errors"
	"io"
	"io/fs"
)

// OpenFound opens what info describes, which this view gave. Devices, pipes and sockets are opened and never read.
func (f *FS) OpenFound(info fs.FileInfo) (fs.File, error) {
	known, ok := info.(*Info)
	if !ok || known == nil {
		return nil, fs.ErrInvalid
	}
	return f.open(known)
}

func (f *FS) open(in *Info) (fs.File, error) {
	switch {
	case in.IsDir():
		return &dirFile{fs: f, info: in}, nil
	case in.noData != nil:
		return nil, &fs.PathError{Op: "open", Path: in.name, Err: in.noData}
	}
	from := in.bytes()
	open, err := f.layers[from.layer].Tree.OpenFound(from.info)
	if err != nil {
		return nil, err
	}
	out := file{File: open, info: in}
	random, ok := open.(interface {
		io.ReaderAt
		io.Seeker
	})
	if !ok {
		return out, nil
	}
	return randomFile{file: out, ReaderAt: random, Seeker: random}, nil
}

// Xattrs gives the extended attributes that the view shows: not those of overlayfs itself.
func (f *FS) Xattrs(info fs.FileInfo) (map[string][]byte, error) {
	known, ok := info.(*Info)
	if !ok || known == nil {
		return nil, fs.ErrInvalid
	}
	top := known.spots[0]
	all, err := f.layers[top.layer].Tree.Xattrs(top.info)
	return f.marks.visible(all), err
}

// file is a file of a layer under the name and with the metadata of the view.
type file struct {
	fs.File
	info *Info
}

func (f file) Stat() (fs.FileInfo, error) { return f.info, nil }

type randomFile struct {
	file
	io.ReaderAt
	io.Seeker
}

// dirFile is an open directory.
type dirFile struct {
	fs      *FS
	info    *Info
	entries []fs.DirEntry
	listed  bool
}

func (d *dirFile) Stat() (fs.FileInfo, error) { return d.info, nil }
func (d *dirFile) Close() error               { return nil }

func (d *dirFile) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.info.name, Err: errors.New("is a directory")}
}

// ReadDir gives the next n entries, or all that are left when n is not positive.
func (d *dirFile) ReadDir(n int) ([]fs.DirEntry, error) {
	var damage error
	if !d.listed {
		d.entries, damage = d.fs.list(d.info, fullRoom())
		d.listed = true
	}
	if n > 0 && len(d.entries) == 0 && damage == nil {
		return nil, io.EOF
	}
	if n <= 0 || n > len(d.entries) {
		n = len(d.entries)
	}
	out := d.entries[:n:n]
	d.entries = d.entries[n:]
	return out, damage
}
