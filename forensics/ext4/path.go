package ext4

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

const maxLinks = 40 // symbolic links in one resolution, as in the kernel

var (
	errNotDir = errors.New("not a directory")
	errLinks  = errors.New("too many levels of symbolic links")
)

// Open opens a file or directory. Symbolic links are followed inside the image only: an absolute target starts at the
// image's root, and ".." stays in it.
func (f *FS) Open(name string) (fs.File, error) {
	info, err := f.lookup("open", name, true)
	if err != nil {
		return nil, err
	}
	return &File{fs: f, info: info}, nil
}

// OpenFile is Open with the concrete type, for ReadAt.
func (f *FS) OpenFile(name string) (*File, error) {
	info, err := f.lookup("open", name, true)
	if err != nil {
		return nil, err
	}
	return &File{fs: f, info: info}, nil
}

// OpenInfo opens the file that info describes, which this file system gave. Its path is not looked up again.
func (f *FS) OpenInfo(info *Info) (*File, error) {
	if info == nil {
		return nil, fs.ErrInvalid
	}
	return &File{fs: f, info: info}, nil
}

// OpenFound is OpenInfo for those who know io/fs alone.
func (f *FS) OpenFound(info fs.FileInfo) (fs.File, error) {
	known, ok := info.(*Info)
	if !ok || known == nil {
		return nil, fs.ErrInvalid
	}
	return &File{fs: f, info: known}, nil
}

// Stat describes a file, following links as Open does.
func (f *FS) Stat(name string) (fs.FileInfo, error) { return asFileInfo(f.lookup("stat", name, true)) }

// Lstat describes a file and does not follow a link at the end of the path.
func (f *FS) Lstat(name string) (fs.FileInfo, error) {
	return asFileInfo(f.lookup("lstat", name, false))
}

// asFileInfo keeps a nil pointer from becoming an interface that is not nil.
func asFileInfo(i *Info, err error) (fs.FileInfo, error) {
	if err != nil {
		return nil, err
	}
	return i, nil
}

// ReadDir gives a directory's entries in the order of their names. With an error, the entries that could be read come
// along.
func (f *FS) ReadDir(name string) ([]fs.DirEntry, error) {
	info, err := f.lookup("readdir", name, true)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: errNotDir}
	}
	left := f.room()
	out, err := f.list(info.inode, &left)
	if err != nil {
		return out, &fs.PathError{Op: "readdir", Path: name, Err: err}
	}
	return out, nil
}

// ReadLink gives a symbolic link's target as text.
func (f *FS) ReadLink(name string) (string, error) {
	info, err := f.lookup("readlink", name, false)
	if err != nil {
		return "", err
	}
	if !info.inode.isLink() {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: fs.ErrInvalid}
	}
	return f.target(info.inode)
}

// lookup walks a path of io/fs: no leading slash, no "." or ".." in it. Names need not be UTF-8.
func (f *FS) lookup(op, name string, follow bool) (*Info, error) {
	if !validPath(name) {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	w := walker{fs: f}
	in, err := w.walk(name, follow)
	if err != nil {
		return nil, &fs.PathError{Op: op, Path: name, Err: err}
	}
	return &Info{name: path.Base(name), inode: in}, nil
}

func validPath(name string) bool {
	if name == "." {
		return true
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part == "." || part == ".." {
			return false
		}
	}
	return true
}

// walker goes down a path. The stack holds the directories above, for "..".
type walker struct {
	fs    *FS
	stack []*Inode
	links int
}

func (w *walker) walk(name string, follow bool) (*Inode, error) {
	root, err := w.fs.inode(RootInode)
	if err != nil {
		return nil, err
	}
	w.stack = []*Inode{root}
	return w.down(strings.Split(name, "/"), follow)
}

// down resolves the parts from the directory on top of the stack.
func (w *walker) down(parts []string, follow bool) (*Inode, error) {
	for len(parts) > 0 {
		part := parts[0]
		parts = parts[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			w.stack = w.stack[:max(1, len(w.stack)-1)]
			continue
		}
		in, err := w.step(part)
		if err != nil {
			return nil, err
		}
		if !in.isLink() || (len(parts) == 0 && !follow) {
			w.stack = append(w.stack, in)
			continue
		}
		if parts, err = w.follow(in, parts); err != nil {
			return nil, err
		}
	}
	return w.stack[len(w.stack)-1], nil
}

func (w *walker) step(name string) (*Inode, error) {
	dir := w.stack[len(w.stack)-1]
	if !dir.isDir() {
		return nil, errNotDir
	}
	n, err := w.fs.find(dir, name)
	if err != nil {
		return nil, err
	}
	return w.fs.inode(n)
}

// follow puts a link's target before the parts that are left.
func (w *walker) follow(in *Inode, parts []string) ([]string, error) {
	if w.links++; w.links > maxLinks {
		return nil, errLinks
	}
	target, err := w.fs.target(in)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(target, "/") {
		w.stack = w.stack[:1]
	}
	return append(strings.Split(target, "/"), parts...), nil
}

// target reads a symbolic link as the kernel does: up to a zero byte, and not beyond one block.
func (f *FS) target(in *Inode) (string, error) {
	if in.Encrypted() {
		return "", damaged(fmt.Sprintf("inode %d", in.Number), "the link's target is encrypted")
	}
	b := in.data[:min(in.Size, inlineInside-1)]
	if !f.fastLink(in) {
		b = make([]byte, min(in.Size, f.super.blockSize-1))
		if n, err := f.readAt(in, b, 0); n < len(b) {
			return "", err
		}
	}
	if text, _, cut := bytes.Cut(b, []byte{0}); cut || int64(len(b)) < in.Size {
		f.met.add(damaged(fmt.Sprintf("inode %d", in.Number), "of the link's %d bytes the kernel follows %d", in.Size, len(text)))
		return string(text), nil
	}
	return string(b), nil
}

// fastLink tells whether a link's target stands where others have their blocks: when the link has no blocks, those of its
// attributes not counted.
func (f *FS) fastLink(in *Inode) bool {
	if in.inline() {
		return false
	}
	if in.Flags&flagEAInode != 0 || in.Flags&flagExtents == 0 && in.Size < inlineInside {
		return in.Size < inlineInside
	}
	attributes := uint32(0)
	if in.attributes != 0 {
		attributes = uint32(f.super.clusterSize / 512)
	}
	return in.sectors == attributes
}
