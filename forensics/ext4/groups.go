package ext4

import (
	"encoding/binary"
	"fmt"
)

// inodeTable gives the first block of a group's inode table.
func (f *FS) inodeTable(group uint64) (uint64, error) {
	s := &f.super
	per := s.descPerBlock()
	b, err := f.dev.block(s.descBlock(group / per))
	if err != nil {
		return 0, fmt.Errorf("group %d: %w", group, err)
	}
	d := b[int64(group%per)*s.descSize:]
	table := uint64(binary.LittleEndian.Uint32(d[0x08:]))
	if s.descSize >= 64 {
		table |= uint64(binary.LittleEndian.Uint32(d[0x28:])) << 32
	}
	if table == 0 || table >= s.blocks {
		return 0, damaged(fmt.Sprintf("group %d", group), "its inode table at block %d is outside the file system", table)
	}
	return table, nil
}

// descBlock gives where the n-th block of group descriptors lies: behind the superblock, or, with meta_bg, at the head
// of the groups it describes.
func (s *superblock) descBlock(n uint64) uint64 {
	if s.incompat&incompatMetaBG == 0 || n < uint64(s.firstMetaBG) {
		return s.superBlock() + 1 + n
	}
	group := n * s.descPerBlock()
	first := group*uint64(s.blocksPerGroup) + uint64(s.firstData)
	if s.hasSuper(group) {
		first++
	}
	if s.blockSize == 1024 && n == 0 && s.firstData == 0 {
		first++
	}
	return first
}

// hasSuper tells whether a group begins with a copy of the superblock.
func (s *superblock) hasSuper(group uint64) bool {
	switch {
	case group == 0:
		return true
	case s.compat&compatSparseSuper2 != 0:
		return group == uint64(s.backupGroups[0]) || group == uint64(s.backupGroups[1])
	case group == 1 || s.roCompat&roSparseSuper == 0:
		return true
	}
	return isPower(group, 3) || isPower(group, 5) || isPower(group, 7)
}

func isPower(n, base uint64) bool {
	for n%base == 0 && n > 1 {
		n /= base
	}
	return n == 1
}
