package xfs

import (
	"encoding/binary"
	"fmt"
)

// unlinked follows the lists of inodes that have no name any more and were open: the kernel frees them when it mounts. What
// they hold is not shown, and an analyst must know of it.
func (f *FS) unlinked(group uint64, agi []byte) error {
	count, first := 0, uint64(0)
	var err error
	for i := range unlinkedLists {
		next := binary.BigEndian.Uint32(agi[40+4*i:])
		for next != 0xFFFFFFFF && err == nil {
			if count++; count > maxUnlinked {
				return damaged("deleted inodes", "the lists have more than %d, or are circles", maxUnlinked)
			}
			number := f.super.inodeOf(group, next)
			if first == 0 {
				first = number
			}
			next, err = f.nextUnlinked(number)
		}
	}
	if err != nil {
		return err
	}
	if count > 0 {
		return fmt.Errorf("%d inodes have no name any more and were still open when the image was taken, such as inode %d: they are not listed", count, first)
	}
	return nil
}

func (f *FS) nextUnlinked(number uint64) (uint32, error) {
	place := fmt.Sprintf("deleted inode %d", number)
	at, err := f.super.inodeOffset(number)
	if err != nil {
		return 0, damaged(place, "%w", err)
	}
	b, err := f.dev.bytes(at, int(f.super.inodeSize))
	if err != nil {
		return 0, fmt.Errorf("%s: %w", place, err)
	}
	if binary.BigEndian.Uint16(b) != inodeMagic {
		return 0, damaged(place, "there is no inode")
	}
	return binary.BigEndian.Uint32(b[unlinkedAt:]), nil
}
