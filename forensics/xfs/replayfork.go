package xfs

import (
	"encoding/binary"
	"fmt"
)

// forks puts the logged forks into the inode in b, whose core is in place already.
func (r *replayer) forks(in *inodeItem, regions [][]byte, b []byte) error {
	area := b[r.fs.super.coreSize():]
	first, second := area, []byte(nil)
	if split := int(b[82]) * 8; split > len(area) {
		return fmt.Errorf("its second fork begins at byte %d of %d", split, len(area))
	} else if split > 0 {
		first, second = area[:split], area[split:]
	}
	if in.fields&inodeFirst != 0 {
		if len(regions) == 0 {
			return fmt.Errorf("its first fork is missing")
		}
		if err := r.fork(in.fields&inodeRoot != 0, regions[0], first); err != nil {
			return fmt.Errorf("first fork: %w", err)
		}
		regions = regions[1:]
	}
	if in.fields&inodeSecond != 0 {
		if len(regions) == 0 {
			return fmt.Errorf("its second fork is missing")
		}
		if err := r.fork(in.fields&inodeAttrRoot != 0, regions[0], second); err != nil {
			return fmt.Errorf("second fork: %w", err)
		}
	}
	return nil
}

// fork copies a fork. The root of a tree has another header in memory, and other room between keys and pointers.
func (r *replayer) fork(root bool, region, to []byte) error {
	if !root {
		if len(region) > len(to) {
			return fmt.Errorf("%d bytes do not fit in %d", len(region), len(to))
		}
		copy(to, region)
		return nil
	}
	header := 24
	if r.fs.super.checksums() {
		header = 72
	}
	if len(region) < header || len(to) < 4 {
		return fmt.Errorf("the root of a tree has %d bytes", len(region))
	}
	count := int(binary.BigEndian.Uint16(region[6:]))
	from, room := (len(region)-header)/16, (len(to)-4)/16
	if count > from || count > room {
		return fmt.Errorf("the root of a tree with %d entries, of %d and %d that fit", count, from, room)
	}
	copy(to[:4], region[4:8])
	copy(to[4:], region[header:][:count*8])
	copy(to[4+room*8:], region[header+from*8:][:count*8])
	return nil
}
