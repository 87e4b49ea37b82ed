package ext4

import (
	"errors"
	"fmt"
	"io/fs"
)

// dirEntry is an entry as io/fs wants it.
type dirEntry struct {
	fs *FS
	entry
	in *Inode // once it was read
}

func (d *dirEntry) Name() string { return d.name }

// IsDir follows Type.
func (d *dirEntry) IsDir() bool { return d.Type().IsDir() }

// Type is the inode's, as for the kernel. Where the inode is none or cannot be read, it is what the directory says; Walk
// and Info report that.
func (d *dirEntry) Type() fs.FileMode {
	if in, err := d.look(); err == nil && in.fileMode().Type() != fs.ModeIrregular {
		return in.fileMode().Type()
	}
	return saidType(d.kind)
}

// saidType translates the type that a directory gives.
func saidType(kind byte) fs.FileMode {
	return [8]fs.FileMode{
		fs.ModeIrregular, 0, fs.ModeDir, fs.ModeDevice | fs.ModeCharDevice, fs.ModeDevice, fs.ModeNamedPipe, fs.ModeSocket, fs.ModeSymlink,
	}[kind&7]
}

// Info reads the inode.
func (d *dirEntry) Info() (fs.FileInfo, error) {
	in, err := d.look()
	if err != nil {
		return nil, err
	}
	return &Info{name: d.name, inode: in}, nil
}

func (d *dirEntry) look() (*Inode, error) {
	if d.in != nil {
		return d.in, nil
	}
	return d.fs.inode(d.inode)
}

// read gives the entry with its inode, and what is wrong with it. Lists hold entries without theirs.
func (d *dirEntry) read() (*dirEntry, error) {
	in, err := d.look()
	if err != nil {
		return d, err
	}
	out := &dirEntry{fs: d.fs, entry: d.entry, in: in}
	return out, errors.Join(d.fs.doubts(in), d.typeWrong(in))
}

// typeWrong says where the directory and the inode tell different types. The inode's counts.
func (d *dirEntry) typeWrong(in *Inode) error {
	if is, said := in.fileMode().Type(), saidType(d.kind); d.kind != 0 && is != said {
		return damaged(fmt.Sprintf("inode %d", d.inode), "the directory says that it is %s, its own mode %#o says %s", typeName(said), in.Mode, typeName(is))
	}
	return nil
}

func typeName(t fs.FileMode) string {
	switch t {
	case 0:
		return "a regular file"
	case fs.ModeDir:
		return "a directory"
	case fs.ModeSymlink:
		return "a symbolic link"
	case fs.ModeIrregular:
		return "nothing that exists"
	}
	return "a device, pipe or socket"
}

// String is what fs.FormatDirEntry gives.
func (d *dirEntry) String() string { return fs.FormatDirEntry(d) }
