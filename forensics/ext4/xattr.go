package ext4

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
)

const (
	xattrMagic  = 0xEA020000
	maxXattr    = 64 << 10
	xattrEntry  = 16 // bytes before an entry's name
	xattrHeader = 32 // bytes before the entries of a block

	// Numbers of prefixes that matter here.
	xattrAccessACL  = 2
	xattrDefaultACL = 3
	xattrSystem     = 7
	xattrEncryption = 9
)

// xattrName gives an attribute's name with the prefix that the kernel shows for its number, and whether it is one at all:
// the rest of inline data and the key's description of an encrypted file are kept like attributes and are none. The kernel
// shows nothing of numbers that it does not know; here they are shown.
func xattrName(index byte, name string) (full string, ok bool) {
	switch index {
	case 1:
		return "user." + name, true
	case xattrAccessACL:
		return "system.posix_acl_access" + name, true
	case xattrDefaultACL:
		return "system.posix_acl_default" + name, true
	case 4:
		return "trusted." + name, true
	case 6:
		return "security." + name, true
	case xattrSystem:
		return "system." + name, name != inlineRest
	case 8:
		return "system.richacl" + name, true
	case xattrEncryption:
		return "encryption." + name, false
	case 10:
		return "gnu." + name, true
	}
	return fmt.Sprintf("unknown-%d.%s", index, name), true
}

// Xattrs gives the extended attributes of a file that this file system described, those with an empty value included.
func (f *FS) Xattrs(info fs.FileInfo) (map[string][]byte, error) {
	known, ok := info.(*Info)
	if !ok || known == nil {
		return nil, fs.ErrInvalid
	}
	return f.xattrs(known.inode)
}

// xattrs gives what stands in the inode and, where names are in both, before what stands in the block.
func (f *FS) xattrs(in *Inode) (map[string][]byte, error) {
	out := map[string][]byte{}
	var errs []error
	keep := func(e xattr, err error) {
		name, ok := xattrName(e.index, e.name)
		if err != nil {
			errs = append(errs, damaged(fmt.Sprintf("inode %d", in.Number), "extended attribute %q: %w", name, err))
			return
		}
		if _, again := out[name]; !again && ok {
			out[name] = e.value
		}
	}
	if body := in.bodyXattrs(); body != nil {
		errs = append(errs, f.eachXattr(in, body, body, keep))
	}
	if in.attributes != 0 {
		errs = append(errs, f.blockXattrs(in, keep))
	}
	return out, errors.Join(errs...)
}

// bodyXattrs gives where an inode's own attributes stand, nil where it has none.
func (in *Inode) bodyXattrs() []byte {
	if len(in.extra) > 4 && binary.LittleEndian.Uint32(in.extra) == xattrMagic {
		return in.extra[4:]
	}
	return nil
}

func (f *FS) blockXattrs(in *Inode, keep func(xattr, error)) error {
	place := fmt.Sprintf("inode %d, attributes in block %d", in.Number, in.attributes)
	if in.attributes >= f.super.blocks {
		return damaged(place, "the file system has %d blocks", f.super.blocks)
	}
	b, err := f.dev.block(in.attributes)
	if err != nil {
		return fmt.Errorf("%s: %w", place, err)
	}
	if binary.LittleEndian.Uint32(b) != xattrMagic {
		return damaged(place, "the block holds no extended attributes")
	}
	var wrong error
	if !f.super.xattrSumRight(in.attributes, b) {
		wrong = damaged(place, "%w", errSum)
	}
	return errors.Join(wrong, f.eachXattr(in, b[xattrHeader:], b, keep))
}

// xattr is one extended attribute.
type xattr struct {
	index byte
	name  string
	value []byte
}

// eachXattr reads entries up to the four zero bytes that end them. Offsets of values count from the start of values.
func (f *FS) eachXattr(in *Inode, entries, values []byte, do func(xattr, error)) error {
	le, names := binary.LittleEndian, namesEnd(entries, values)
	for len(entries) >= 4 && le.Uint32(entries) != 0 {
		if len(entries) < xattrEntry || xattrEntry+int(entries[0]) > len(entries) {
			return damaged(fmt.Sprintf("inode %d", in.Number), "an extended attribute runs over its end")
		}
		length := xattrEntry + int(entries[0])
		e := xattr{index: entries[1], name: string(entries[xattrEntry:length])}
		var err error
		if e.value, err = f.xattrValue(entries, values, names); err == nil && (e.index == xattrAccessACL || e.index == xattrDefaultACL) {
			e.value, err = aclAsShown(e.value)
		}
		do(e, err)
		entries = entries[min((length+3)&^3, len(entries)):]
	}
	return nil
}

// namesEnd gives where in values the entries end: no value can begin before that.
func namesEnd(entries, values []byte) int64 {
	rest := entries
	for len(rest) >= xattrEntry && binary.LittleEndian.Uint32(rest) != 0 {
		rest = rest[min((xattrEntry+int(rest[0])+3)&^3, len(rest)):]
	}
	return int64(len(values) - len(rest) + 4)
}

// xattrValue gives a copy of a value. A large one is the content of an inode of its own.
func (f *FS) xattrValue(entry, values []byte, names int64) ([]byte, error) {
	le := binary.LittleEndian
	offset, inode, size := int64(le.Uint16(entry[2:])), le.Uint32(entry[4:]), int64(le.Uint32(entry[8:]))
	if inode != 0 {
		return f.xattrInode(inode, size)
	}
	if size == 0 {
		return []byte{}, nil
	}
	if offset+size > int64(len(values)) || offset < names {
		return nil, fmt.Errorf("%d bytes at %d do not fit", size, offset)
	}
	return append([]byte(nil), values[offset:offset+size]...), nil
}

func (f *FS) xattrInode(n uint32, size int64) ([]byte, error) {
	in, err := f.inode(n)
	if err != nil {
		return nil, err
	}
	switch {
	case in.inline():
		return nil, fmt.Errorf("its value is in inode %d, which has inline data", n)
	case in.Flags&flagEAInode == 0:
		return nil, fmt.Errorf("its value is in inode %d, which is not for values", n)
	case in.Size != size:
		return nil, fmt.Errorf("its value has %d bytes, inode %d has %d", size, n, in.Size)
	}
	return f.readAll(in, maxXattr)
}
