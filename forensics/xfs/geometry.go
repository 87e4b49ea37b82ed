package xfs

import "fmt"

// A block's number has its group in the upper bits and counts inside the group in the lower ones, of which a group need not
// use all. On the disk the groups lie one after the other.

// holds tells whether so many blocks from a number on lie in one group of the file system.
func (s *superblock) holds(block, count uint64) bool {
	group, inside := block>>s.groupLog, block&(1<<s.groupLog-1)
	if group >= s.groups || count > s.groupBlocks || inside+count > s.groupBlocks {
		return false
	}
	return group*s.groupBlocks+inside+count <= s.blocks
}

// linear gives a block's place on the disk, counted in blocks.
func (s *superblock) linear(block uint64) uint64 {
	return block>>s.groupLog*s.groupBlocks + block&(1<<s.groupLog-1)
}

// offset gives the byte at which a block begins, after a check that it is one.
func (s *superblock) offset(block uint64) (int64, error) {
	if !s.holds(block, 1) {
		return 0, fmt.Errorf("block %#x is none of the %d of the file system", block, s.blocks)
	}
	return int64(s.linear(block)) * s.blockSize, nil
}

// inodeOffset gives the byte at which an inode begins. Its number has its block's number in the upper bits.
func (s *superblock) inodeOffset(inode uint64) (int64, error) {
	at, err := s.offset(inode >> s.perBlockLog)
	if err != nil {
		return 0, err
	}
	return at + int64(inode&(s.perBlock-1))*s.inodeSize, nil
}

// inodeOf gives the number of an inode that a group counts as its own.
func (s *superblock) inodeOf(group uint64, inside uint32) uint64 {
	return group<<(s.groupLog+s.perBlockLog) | uint64(inside)
}
