package xfs

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Kinds of blocks that hold a directory's entries. A block that ends in its own index is the only one of its directory.
const (
	dirBlock4 = 0x58443242 // "XD2B"
	dirData4  = 0x58443244 // "XD2D"
	dirBlock5 = 0x58444233 // "XDB3"
	dirData5  = 0x58444433 // "XDD3"
)

// eachIn reads the entries of one block. An entry that is wrong is reported at the end; those after it are read where its
// length says where they begin.
func (f *FS) eachIn(b []byte, place string, do func(entry) (bool, error)) (more bool, err error) {
	at, end, err := f.dirBounds(b)
	if err != nil {
		return true, &DamageError{Place: place, Err: err}
	}
	var errs []error
	for at < end {
		e, length, err := f.parseEntry(b[at:end])
		if err != nil && len(errs) < maxErrors {
			errs = append(errs, &DamageError{Place: fmt.Sprintf("%s, byte %d", place, at), Err: err})
		}
		if length == 0 {
			break
		}
		at += length
		if err != nil || e.name == "" || e.name == "." || e.name == ".." {
			continue
		}
		if more, err := do(e); err != nil || !more {
			return false, errors.Join(append(errs, err)...)
		}
	}
	return true, errors.Join(errs...)
}

// dirBounds gives where the entries of a block begin and end.
func (f *FS) dirBounds(b []byte) (begin, end int, err error) {
	magic := binary.BigEndian.Uint32(b)
	data, block := uint32(dirData4), uint32(dirBlock4)
	begin, end = 16, len(b)
	if f.super.checksums() {
		data, block, begin = dirData5, dirBlock5, 64
	}
	switch magic {
	case data:
		return begin, end, nil
	case block:
		index := int64(binary.BigEndian.Uint32(b[len(b)-8:])) * 8
		if index > int64(end-8-begin) {
			return 0, 0, fmt.Errorf("an index of %d bytes does not fit in the block", index)
		}
		return begin, end - 8 - int(index), nil
	}
	return 0, 0, fmt.Errorf("its magic %#08x is not that of a directory's block", magic)
}

// parseEntry reads the entry at the head of b; free space has no name. With an error, its length comes along where it can
// be believed.
func (f *FS) parseEntry(b []byte) (entry, int, error) {
	be := binary.BigEndian
	if len(b) < 16 && (len(b) < 8 || be.Uint16(b) != 0xFFFF) {
		return entry{}, 0, fmt.Errorf("%d bytes are left, which hold no entry", len(b))
	}
	if be.Uint16(b) == 0xFFFF {
		length := int(be.Uint16(b[2:]))
		if length == 0 && len(b) == 64<<10 { // it does not fit in the field
			length = len(b)
		}
		if length < 8 || length%8 != 0 || length > len(b) {
			return entry{}, 0, fmt.Errorf("free space of %d bytes in the %d that are left", length, len(b))
		}
		return entry{}, length, nil
	}
	e, name := entry{inode: be.Uint64(b)}, int(b[8])
	length := int(roundUp(uint64(8+1+name+f.kindSize()+2), 8))
	if length > len(b) {
		return e, 0, fmt.Errorf("a name of %d bytes in the %d that are left, for inode %d", name, len(b), e.inode)
	}
	e.name = string(b[9 : 9+name])
	if f.kindSize() > 0 {
		e.kind = b[9+name]
	}
	return e, length, badName(e)
}

// kindSize is the size of the field that says of what type an entry's file is.
func (f *FS) kindSize() int {
	if f.super.fileTypes() {
		return 1
	}
	return 0
}
