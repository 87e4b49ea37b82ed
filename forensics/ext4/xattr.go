package ext4

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
)

const (
	xattrMagic   = 0xEA020000
	xattrSystem  = 7
	maxXattr     = 64 << 10
	xattrEntry   = 16 // bytes before an entry's name
	xattrHeader  = 32 // bytes before the entries of a block
	inlineInside = 60 // bytes of inline data that the inode itself holds
)

// xattrPrefix gives the names' prefixes as the kernel numbers them.
func xattrPrefix(index byte) string {
	switch index {
	case 1:
		return "user."
	case 2:
		return "system.posix_acl_access"
	case 3:
		return "system.posix_acl_default"
	case 4:
		return "trusted."
	case 6:
		return "security."
	case xattrSystem:
		return "system."
	case 8:
		return "system.richacl"
	}
	return fmt.Sprintf("unknown-%d.", index)
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
	out := map[string][]byte{}
	var errs []error
	if len(in.extra) > 4 && binary.LittleEndian.Uint32(in.extra) == xattrMagic {
		errs = append(errs, f.readXattrs(in, in.extra[4:], in.extra[4:], out))
	}
	if in.attributes != 0 {
		b, err := f.dev.block(in.attributes)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("inode %d, attributes: %w", in.Number, err))
		case binary.LittleEndian.Uint32(b) != xattrMagic:
			errs = append(errs, damaged(fmt.Sprintf("inode %d", in.Number), "block %d holds no extended attributes", in.attributes))
		default:
			errs = append(errs, f.readXattrs(in, b[xattrHeader:], b, out))
		}
	}
	return out, errors.Join(errs...)
}

// readXattrs reads entries up to the four zero bytes that end them. Offsets of values count from the start of values.
func (f *FS) readXattrs(in *Inode, entries, values []byte, out map[string][]byte) error {
	le := binary.LittleEndian
	for len(entries) >= 4 && le.Uint32(entries) != 0 {
		if len(entries) < xattrEntry || xattrEntry+int(entries[0]) > len(entries) {
			return damaged(fmt.Sprintf("inode %d", in.Number), "an extended attribute runs over its end")
		}
		length := xattrEntry + int(entries[0])
		name := xattrPrefix(entries[1]) + string(entries[xattrEntry:length])
		value, err := f.xattrValue(entries, values)
		if err != nil {
			return damaged(fmt.Sprintf("inode %d", in.Number), "extended attribute %q: %w", name, err)
		}
		if _, again := out[name]; !again {
			out[name] = value
		}
		entries = entries[min((length+3)&^3, len(entries)):]
	}
	return nil
}

func (f *FS) xattrValue(entry, values []byte) ([]byte, error) {
	le := binary.LittleEndian
	offset, inode, size := int64(le.Uint16(entry[2:])), le.Uint32(entry[4:]), int64(le.Uint32(entry[8:]))
	if inode != 0 {
		in, err := f.inode(inode)
		if err != nil {
			return nil, err
		}
		if in.inline() {
			return nil, errors.New("its value is in an inode with inline data")
		}
		return f.readAll(in, maxXattr)
	}
	if size == 0 {
		return []byte{}, nil
	}
	if offset+size > int64(len(values)) {
		return nil, fmt.Errorf("%d bytes at %d do not fit", size, offset)
	}
	return append([]byte(nil), values[offset:offset+size]...), nil
}

// inlineData gives the bytes that an inode holds in place of blocks: sixty in itself, the rest in an attribute.
func (f *FS) inlineData(in *Inode) ([]byte, error) {
	data := append([]byte(nil), in.data[:]...)
	if in.Size <= inlineInside {
		return data[:in.Size], nil
	}
	attributes, err := f.xattrs(in)
	rest, ok := attributes["system.data"]
	if !ok {
		return nil, errors.Join(damaged(fmt.Sprintf("inode %d", in.Number), "the attribute with the rest of its inline data is missing"), err)
	}
	data = append(data, rest...)
	return data[:min(int64(len(data)), in.Size)], nil
}
