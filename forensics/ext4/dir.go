package ext4

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// entry is one name in a directory.
type entry struct {
	name  string
	inode uint32
	kind  byte // as the directory says; zero when it does not
}

// find gives the inode of a name in a directory.
func (f *FS) find(in *Inode, name string) (uint32, error) {
	var found uint32
	left := f.room()
	err := f.eachEntry(in, &left.blocks, func(e entry) (bool, error) {
		if e.name == name {
			found = e.inode
		}
		return found == 0, nil
	})
	if found != 0 {
		return found, nil
	}
	return 0, errors.Join(fs.ErrNotExist, err)
}

// eachEntry calls do for each name until it says no. A damaged block is reported at the end; the blocks after it are read,
// as many as are left.
func (f *FS) eachEntry(in *Inode, left *int64, do func(entry) (bool, error)) error {
	if d := f.changedDir(in); d != nil {
		return d.each(func(do func(entry) (bool, error)) error { return f.eachOnImage(in, left, do) }, do)
	}
	return f.eachOnImage(in, left, do)
}

// eachOnImage leaves out what only fast commits say.
func (f *FS) eachOnImage(in *Inode, left *int64, do func(entry) (bool, error)) error {
	if in.inline() {
		return f.eachInlineEntry(in, do)
	}
	var errs []error
	bs, seen := uint64(f.super.blockSize), map[uint64]struct{}{}
	blocks := (uint64(in.Size) + bs - 1) / bs
	for n := uint64(0); n < blocks; {
		if *left--; *left < 0 {
			return errors.Join(append(errs, damaged(fmt.Sprintf("inode %d", in.Number), "the directory is larger than any real one"))...)
		}
		r, err := f.runAt(in, n)
		if err != nil {
			return errors.Join(append(errs, err)...)
		}
		if r.physical == 0 {
			n += r.blocks
			continue
		}
		more, err := f.blockEntries(in, n, r.physical, seen, do)
		if !more {
			return errors.Join(append(errs, err)...)
		}
		if err != nil && len(errs) < maxErrors {
			errs = append(errs, err)
		}
		n++
	}
	return errors.Join(errs...)
}

// blockEntries reads one block of a directory, once; more is false when do wants no more.
func (f *FS) blockEntries(in *Inode, logical, physical uint64, seen map[uint64]struct{}, do func(entry) (bool, error)) (more bool, err error) {
	if _, again := seen[physical]; again {
		return true, damaged(fmt.Sprintf("inode %d, directory block %d", in.Number, logical), "block %d is in the directory twice", physical)
	}
	seen[physical] = struct{}{}
	b, err := f.dev.block(physical)
	if err != nil {
		return true, fmt.Errorf("inode %d, directory block %d: %w", in.Number, logical, err)
	}
	wrong := f.dirSum(in, logical, b)
	more, err = f.eachIn(b, fmt.Sprintf("inode %d, directory block %d", in.Number, logical), do)
	return more, errors.Join(wrong, err)
}

// eachInlineEntry reads a directory that its inode holds: the parent's number, then entries in the inode, then entries in
// its attribute.
func (f *FS) eachInlineEntry(in *Inode, do func(entry) (bool, error)) error {
	place := fmt.Sprintf("inode %d, inline directory", in.Number)
	data, err := f.inlineData(in)
	if err != nil {
		return err
	}
	if len(data) < 4 {
		return damaged(place, "only %d bytes", len(data))
	}
	cut := min(inlineInside, len(data))
	more, err := f.eachIn(data[4:cut], place, do)
	if !more || cut == len(data) {
		return err
	}
	_, restErr := f.eachIn(data[cut:], place, do)
	return errors.Join(err, restErr)
}

// eachIn reads the entries of one region. The nodes of a hash tree look like empty entries and are passed over. An entry
// that is wrong is reported at the end; those after it are read where its length says where they begin.
func (f *FS) eachIn(b []byte, place string, do func(entry) (bool, error)) (more bool, err error) {
	var errs []error
	for at := 0; at+8 <= len(b); {
		e, length, err := f.parseEntry(b[at:])
		if err != nil && len(errs) < maxErrors {
			errs = append(errs, &DamageError{Place: fmt.Sprintf("%s, byte %d", place, at), Err: err})
		}
		if length == 0 {
			break
		}
		at += length
		if err != nil || e.inode == 0 || e.name == "." || e.name == ".." {
			continue
		}
		if more, err := do(e); err != nil || !more {
			return false, errors.Join(append(errs, err)...)
		}
	}
	return true, errors.Join(errs...)
}

// entryLength gives what the field of an entry's length means: in large blocks, 65536 does not fit in it.
func (f *FS) entryLength(field uint16) int {
	length := int(field)
	switch {
	case f.super.blockSize <= 32<<10:
		return length
	case length == 65535 || length == 0:
		return int(f.super.blockSize)
	}
	return length&65532 | length&3<<16
}

// parseEntry reads the entry at the head of b. With an error, its length comes along where it can be believed.
func (f *FS) parseEntry(b []byte) (entry, int, error) {
	le := binary.LittleEndian
	length := f.entryLength(le.Uint16(b[4:]))
	name, kind := int(b[6]), b[7]
	if !f.super.hasFiletype() {
		name, kind = int(le.Uint16(b[6:])), 0
	}
	e := entry{inode: le.Uint32(b), kind: kind & 0x7}
	switch {
	case length < 8 || length%4 != 0 || length > len(b):
		return e, 0, fmt.Errorf("an entry of %d bytes in the %d that are left", length, len(b))
	case e.inode == 0:
		return e, length, nil
	case name == 0 || name > 255 || name+8 > length:
		return e, length, fmt.Errorf("a name of %d bytes in an entry of %d, for inode %d", name, length, e.inode)
	}
	e.name = string(b[8 : 8+name])
	if strings.ContainsAny(e.name, "/\x00") {
		return e, length, fmt.Errorf("the name %q has a byte that no name can have; it is of inode %d", e.name, e.inode)
	}
	return e, length, nil
}
