// Package archive writes a tree of an image as a tar stream: the one form in which owners, modes, devices and attributes
// of the evidence leave it without a single file of it being made on the analyst's machine.
package archive

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"

	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// Options bound an archive. The zero value is a sensible choice for every field.
type Options struct {
	MaxBytes   int64 // of all files; 1 TiB
	MaxEntries int   // 10 million
	// Progress is called after each entry with what is written so far.
	Progress func(entries int, bytes int64)
}

func (o Options) withDefaults() Options {
	if o.MaxBytes <= 0 {
		o.MaxBytes = 1 << 40
	}
	if o.MaxEntries <= 0 {
		o.MaxEntries = 10_000_000
	}
	if o.Progress == nil {
		o.Progress = func(int, int64) {}
	}
	return o
}

// Left is an entry that is not in the archive, or not as it is on the image, and why.
type Left struct {
	Path string `json:"path"`
	Why  string `json:"why"`
}

// Result is what Write wrote.
type Result struct {
	Entries int    `json:"entries"`
	Bytes   int64  `json:"bytes"`
	Left    []Left `json:"left,omitempty"`
}

// ErrTooMuch ends an archive that has reached the limits of Options.
var ErrTooMuch = errors.New("more than the limits of the archive allow")

// Write writes everything below root, in the order of Walk, in the PAX format (POSIX.1-2001): times to the nanosecond,
// numeric owners, extended attributes under SCHILY.xattr as GNU tar and bsdtar read them. Names are relative, and no
// entry of the stream is outside of its root. Sockets, which tar does not know, and what cannot be read are listed in
// Left; a file whose bytes end early is filled with zeros and listed.
func Write(ctx context.Context, to io.Writer, tree volume.Tree, root string, opts Options) (Result, error) {
	a := &writer{ctx: ctx, tree: tree, root: root, tar: tar.NewWriter(to), opts: opts.withDefaults(), linked: map[uint64]string{}}
	if err := tree.Walk(root, a.visit); err != nil {
		return a.result, err
	}
	return a.result, a.tar.Close()
}

type writer struct {
	ctx    context.Context
	tree   volume.Tree
	root   string
	tar    *tar.Writer
	opts   Options
	linked map[uint64]string // inodes with several names, and the first of them
	result Result
}

func (a *writer) visit(p string, d fs.DirEntry, err error) error {
	if err := a.ctx.Err(); err != nil {
		return err
	}
	if err != nil {
		a.leave(p, err)
		return nil
	}
	if p == a.root {
		return nil
	}
	info, err := d.Info()
	if err != nil {
		a.leave(p, err)
		return nil
	}
	if a.result.Entries >= a.opts.MaxEntries || a.result.Bytes+fileSize(info) > a.opts.MaxBytes {
		return fmt.Errorf("%q: %w", p, ErrTooMuch)
	}
	if err := a.write(p, info); err != nil {
		return fmt.Errorf("archive %q: %w", p, err)
	}
	a.opts.Progress(a.result.Entries, a.result.Bytes)
	return nil
}

func fileSize(info fs.FileInfo) int64 {
	if info.Mode().IsRegular() {
		return info.Size()
	}
	return 0
}

func (a *writer) leave(p string, why error) {
	a.result.Left = append(a.result.Left, Left{Path: p, Why: why.Error()})
}

func (a *writer) write(p string, info fs.FileInfo) error {
	h, ok := a.header(p, info)
	if !ok {
		return nil
	}
	if err := a.tar.WriteHeader(h); err != nil {
		if !errors.Is(err, tar.ErrHeader) {
			return err
		}
		a.leave(p, err) // such as a name with a zero byte: the stream goes on
		return nil
	}
	a.result.Entries++
	a.remember(h, info)
	if h.Typeflag != tar.TypeReg {
		return nil
	}
	return a.content(p, info)
}

// header is false for what has no place in a tar archive.
func (a *writer) header(p string, info fs.FileInfo) (*tar.Header, bool) {
	stat, ok := volume.StatOf(info)
	if !ok {
		a.leave(p, fs.ErrInvalid)
		return nil, false
	}
	h := &tar.Header{
		Name: a.name(p), Format: tar.FormatPAX, Mode: int64(stat.Mode & 0o7777), Uid: int(stat.UID), Gid: int(stat.GID),
		ModTime: stat.Modified, AccessTime: stat.Accessed, ChangeTime: stat.Changed,
	}
	if err := a.describe(h, p, info, stat); err != nil {
		a.leave(p, err)
		return nil, false
	}
	a.attributes(h, p, info)
	return h, true
}

// name is a path below the root.
func (a *writer) name(p string) string {
	if a.root == "." {
		return p
	}
	return p[len(a.root)+1:]
}

func (a *writer) describe(h *tar.Header, p string, info fs.FileInfo, stat volume.Stat) error {
	switch stat.Mode & volume.TypeMask {
	case volume.TypeDir:
		h.Typeflag, h.Name = tar.TypeDir, h.Name+"/"
	case volume.TypeRegular:
		h.Typeflag, h.Size = tar.TypeReg, stat.Size
		a.link(h, stat)
	case volume.TypeLink:
		target, err := a.tree.ReadLink(p)
		if err != nil {
			return err
		}
		h.Typeflag, h.Linkname = tar.TypeSymlink, target
	case volume.TypeChar:
		h.Typeflag, h.Devmajor, h.Devminor = tar.TypeChar, int64(stat.Major), int64(stat.Minor)
	case volume.TypeBlock:
		h.Typeflag, h.Devmajor, h.Devminor = tar.TypeBlock, int64(stat.Major), int64(stat.Minor)
	case volume.TypeFIFO:
		h.Typeflag = tar.TypeFifo
	case volume.TypeSocket:
		return errors.New("a socket, which a tar archive cannot hold")
	default:
		return fmt.Errorf("its mode %#o is of no type that exists", stat.Mode)
	}
	return nil
}

// link makes the later names of a file links to its first.
func (a *writer) link(h *tar.Header, stat volume.Stat) {
	if stat.Links < 2 {
		return
	}
	if first, seen := a.linked[stat.Inode]; seen {
		h.Typeflag, h.Linkname, h.Size = tar.TypeLink, first, 0
	}
}

// remember keeps the name of a file that has more, once it is in the archive.
func (a *writer) remember(h *tar.Header, info fs.FileInfo) {
	if stat, _ := volume.StatOf(info); h.Typeflag == tar.TypeReg && stat.Links > 1 {
		a.linked[stat.Inode] = h.Name
	}
}

func (a *writer) attributes(h *tar.Header, p string, info fs.FileInfo) {
	attributes, err := a.tree.Xattrs(info)
	if err != nil {
		a.leave(p, fmt.Errorf("its extended attributes: %w", err))
	}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		if h.PAXRecords == nil {
			h.PAXRecords = map[string]string{}
		}
		if !paxSafe(name) {
			a.leave(p, fmt.Errorf("the extended attribute %q has a name that a tar archive cannot hold", name))
			continue
		}
		h.PAXRecords["SCHILY.xattr."+name] = string(attributes[name])
	}
}

// content writes exactly as many bytes as the header promised.
func (a *writer) content(p string, info fs.FileInfo) error {
	size := info.Size()
	f, err := a.tree.OpenFound(info)
	if err == nil {
		defer func() { _ = f.Close() }() // it was only read
		var n int64
		n, err = io.Copy(a.tar, io.LimitReader(untilDone{a.ctx, f}, size))
		a.result.Bytes += n
		size -= n
	}
	if stop := a.ctx.Err(); stop != nil {
		return stop
	}
	if size == 0 {
		return nil
	}
	a.leave(p, fmt.Errorf("its last %d bytes are zeros here: %w", size, cause(err)))
	n, err := io.CopyN(a.tar, zeros{}, size)
	a.result.Bytes += n
	return err
}

func cause(err error) error {
	if err == nil {
		return io.ErrUnexpectedEOF
	}
	return err
}
