package xfs

import (
	"errors"
	"fmt"
	"io/fs"
)

// Flags of an attribute's name.
const (
	attrLocal      = 0x01 // its value stands beside its name
	attrRoot       = 0x02
	attrSecure     = 0x04
	attrParent     = 0x08 // a link to a directory that names the file; the kernel shows none
	attrIncomplete = 0x80 // it was being written or removed
)

const maxValue = 64 << 10

// attributes collects what a file's second fork holds.
type attributes struct {
	fs     *FS
	in     *Inode
	values map[string][]byte
	errs   []error
}

// Xattrs gives the extended attributes of a file that this file system described, those with an empty value included.
func (f *FS) Xattrs(info fs.FileInfo) (map[string][]byte, error) {
	known, ok := info.(*Info)
	if !ok || known == nil {
		return nil, fs.ErrInvalid
	}
	return f.xattrs(known.inode)
}

func (f *FS) xattrs(in *Inode) (map[string][]byte, error) {
	a := &attributes{fs: f, in: in, values: map[string][]byte{}}
	switch k := &in.attr; {
	case len(k.raw) == 0:
	case k.format == formatLocal:
		a.short(k.raw)
	case k.format == formatExtents && k.extents == 0:
	case k.format == formatExtents, k.format == formatBtree:
		a.leaves()
	default:
		a.wrong("attributes of format %d", k.format)
	}
	return a.values, errors.Join(a.errs...)
}

func (a *attributes) wrong(format string, args ...any) {
	if len(a.errs) < maxErrors {
		a.errs = append(a.errs, damaged(fmt.Sprintf("inode %d", a.in.Number), format, args...))
	}
}

// short reads the attributes that stand in the inode: how many bytes and names, then for each its two lengths and flags.
func (a *attributes) short(b []byte) {
	if len(b) < 4 {
		a.wrong("attributes of %d bytes", len(b))
		return
	}
	count := int(b[2])
	b = b[4:]
	for range count {
		if len(b) < 3 || 3+int(b[0])+int(b[1]) > len(b) {
			a.wrong("an extended attribute runs over its end")
			return
		}
		name, end := 3+int(b[0]), 3+int(b[0])+int(b[1])
		a.add(b[2], string(b[3:name]), b[name:end])
		b = b[end:]
	}
}

// add notes one attribute under the names by which the kernel lists it.
func (a *attributes) add(flags byte, name string, value []byte) {
	if flags&attrParent != 0 {
		return
	}
	if flags&attrRoot != 0 {
		if acl := aclName(name); acl != "" {
			list, err := aclValue(value)
			if err != nil {
				a.wrong("%s: %w", acl, err)
			} else {
				a.set(acl, list)
			}
		}
	}
	a.set(attrPrefix(flags)+name, append([]byte{}, value...))
}

// set keeps the first of two attributes of one name.
func (a *attributes) set(name string, value []byte) {
	if _, again := a.values[name]; again {
		a.wrong("it has the extended attribute %q twice", name)
		return
	}
	a.values[name] = value
}

// attrPrefix gives the namespace of an attribute.
func attrPrefix(flags byte) string {
	switch {
	case flags&attrRoot != 0:
		return "trusted."
	case flags&attrSecure != 0:
		return "security."
	}
	return "user."
}
