package ext4

import (
	"encoding/binary"
	"fmt"
	"sync"
)

// badGroups remembers where the inode tables of groups are whose descriptor is not used as it stands.
type badGroups struct {
	mu     sync.Mutex
	tables map[uint64]uint64
}

// inodeTable gives the first block of a group's inode table.
func (f *FS) inodeTable(group uint64) (uint64, error) {
	s := &f.super
	n, at := group/s.descPerBlock(), int64(group%s.descPerBlock())*s.descSize
	table, wrong := f.descTable(s.descBlock(n), at, group)
	if wrong == nil {
		return table, nil
	}
	return f.spareTable(group, n, at, table, wrong)
}

// descTable reads a descriptor from a block and says what is wrong with it. The table comes along where it can be meant.
func (f *FS) descTable(block uint64, at int64, group uint64) (uint64, error) {
	s := &f.super
	b, err := f.dev.block(block)
	if err != nil {
		return 0, fmt.Errorf("group %d: %w", group, err)
	}
	d := b[at : at+s.descSize]
	table := uint64(binary.LittleEndian.Uint32(d[0x08:]))
	if s.descSize >= 64 {
		table |= uint64(binary.LittleEndian.Uint32(d[0x28:])) << 32
	}
	place := fmt.Sprintf("group %d, descriptor in block %d", group, block)
	switch {
	case table == 0 || table >= s.blocks:
		return 0, damaged(place, "its inode table at block %d is outside the file system", table)
	case !s.descSumRight(group, d):
		return table, damaged(place, "%w", errSum)
	}
	return table, nil
}

// spareTable looks for a copy of a descriptor with which nothing is wrong, and notes what it took.
func (f *FS) spareTable(group, n uint64, at int64, table uint64, wrong error) (uint64, error) {
	f.groups.mu.Lock()
	defer f.groups.mu.Unlock()
	if known, ok := f.groups.tables[group]; ok {
		return known, nil
	}
	took := "it is used all the same"
	for _, block := range f.super.spareDescBlocks(n) {
		if spare, err := f.descTable(block, at, group); err == nil {
			table, took = spare, fmt.Sprintf("the copy in block %d is used", block)
			break
		}
	}
	if table == 0 {
		return 0, wrong
	}
	if f.groups.tables == nil {
		f.groups.tables = map[uint64]uint64{}
	}
	f.groups.tables[group] = table
	f.met.add(fmt.Errorf("%w: %s", wrong, took))
	return table, nil
}

// descBlock gives where the n-th block of group descriptors lies: behind the superblock, or, with meta_bg, at the head
// of the groups it describes.
func (s *superblock) descBlock(n uint64) uint64 {
	if !s.headsGroups(n) {
		return s.superBlock() + 1 + n
	}
	first := s.groupDesc(n * s.descPerBlock())
	if s.blockSize == 1024 && n == 0 && s.firstData == 0 {
		first++
	}
	return first
}

// headsGroups tells whether the n-th block of descriptors lies in the groups it describes.
func (s *superblock) headsGroups(n uint64) bool {
	return s.incompat&incompatMetaBG != 0 && n >= uint64(s.firstMetaBG)
}

// groupDesc gives the first block of a group, or the one after it where a copy of the superblock is there.
func (s *superblock) groupDesc(group uint64) uint64 {
	first := s.groupStart(group)
	if s.hasSuper(group) {
		first++
	}
	return first
}

func (s *superblock) groupStart(group uint64) uint64 {
	return group*uint64(s.blocksPerGroup) + uint64(s.firstData)
}

// spareDescBlocks gives where copies of the n-th block of descriptors lie: behind copies of the superblock, or, with
// meta_bg, in the second and the last of the groups that it describes.
func (s *superblock) spareDescBlocks(n uint64) []uint64 {
	var out []uint64
	if s.headsGroups(n) {
		first := n * s.descPerBlock()
		for _, group := range []uint64{first + 1, first + s.descPerBlock() - 1} {
			if group < s.groups {
				out = append(out, s.groupDesc(group))
			}
		}
		return out
	}
	for _, group := range s.superGroups() {
		out = append(out, s.groupStart(group)+1+n)
	}
	return out
}

// superGroups gives some groups, beside the first, that begin with a copy of the superblock.
func (s *superblock) superGroups() []uint64 {
	var out []uint64
	for _, group := range append([]uint64{uint64(s.backupGroups[0]), uint64(s.backupGroups[1])}, spareGroups()...) {
		if group > 0 && group < s.groups && s.hasSuper(group) {
			out = append(out, group)
		}
	}
	return out
}

// spareGroups are the first groups that have a copy of the superblock in nearly every file system.
func spareGroups() []uint64 { return []uint64{1, 3, 5, 7, 9, 25, 27, 49, 81, 125} }

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
