package xfs

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// eachShort reads a directory that its inode holds: how many names, how many of them need eight bytes for their inode, the
// parent, then the names.
func (f *FS) eachShort(in *Inode, do func(entry) (bool, error)) error {
	place := fmt.Sprintf("inode %d, short directory", in.Number)
	b := in.data.raw
	if in.Size < int64(len(b)) {
		b = b[:in.Size]
	}
	if len(b) < 6 {
		return damaged(place, "only %d bytes", len(b))
	}
	count, size := int(b[0]), 4
	if b[1] > 0 {
		size = 8
	}
	var errs []error
	b = b[min(2+size, len(b)):]
	for i := range count {
		e, length, err := f.parseShort(b, size)
		if err != nil {
			errs = append(errs, damaged(place, "entry %d of %d: %w", i+1, count, err))
		}
		if length == 0 {
			break
		}
		b = b[length:]
		if err != nil {
			continue
		}
		if more, err := do(e); err != nil || !more {
			return errors.Join(append(errs, err)...)
		}
	}
	return errors.Join(errs...)
}

// parseShort reads the entry at the head of b, which ends in its inode's number. With an error, its length comes along
// where it can be believed.
func (f *FS) parseShort(b []byte, size int) (entry, int, error) {
	if len(b) < 3 {
		return entry{}, 0, fmt.Errorf("%d bytes are left, which hold no entry", len(b))
	}
	name := int(b[0])
	length := 3 + name + f.kindSize() + size
	if length > len(b) {
		return entry{}, 0, fmt.Errorf("a name of %d bytes in the %d that are left", name, len(b))
	}
	e := entry{name: string(b[3 : 3+name])}
	if f.kindSize() > 0 {
		e.kind = b[3+name]
	}
	if number := b[length-size : length]; size == 8 {
		e.inode = binary.BigEndian.Uint64(number) & (1<<56 - 1)
	} else {
		e.inode = uint64(binary.BigEndian.Uint32(number))
	}
	return e, length, badName(e)
}
