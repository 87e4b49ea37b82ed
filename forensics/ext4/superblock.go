package ext4

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Offset and length of the superblock, whatever the block size.
const (
	superOffset = 1024
	superSize   = 1024
	superMagic  = 0xEF53
)

// Features that change how an image is read.
const (
	compatJournal      = 0x4
	compatSparseSuper2 = 0x200
	compatOrphanFile   = 0x1000

	incompatFiletype   = 0x2
	incompatRecover    = 0x4
	incompatMetaBG     = 0x10
	incompat64bit      = 0x80
	incompatSumSeed    = 0x2000
	incompatLargeDir   = 0x4000
	incompatInlineData = 0x8000

	roSparseSuper   = 0x1
	roGroupSums     = 0x10
	roBigalloc      = 0x200
	roSums          = 0x400
	roOrphanPresent = 0x10000
)

// Where fields of the superblock stand that are read in more than one place.
const (
	superGroup = 0x5A  // the group that this copy heads
	superSum   = 0x3FC // its checksum, which covers all before it
)

// knownIncompat is every incompatible feature that this reader handles, or that does not change what it reads: filetype,
// recover, meta_bg, extents, 64bit, mmp, flex_bg, ea_inode, csum_seed, largedir, inline_data, encrypt, casefold.
const knownIncompat = incompatFiletype | incompatRecover | incompatMetaBG | 0x40 | incompat64bit | 0x100 | 0x200 | 0x400 |
	incompatSumSeed | incompatLargeDir | incompatInlineData | 0x10000 | 0x20000

// superblock is the part of the superblock that reading needs.
type superblock struct {
	inodes         uint32
	blocks         uint64
	firstData      uint32
	blockSize      int64
	clusterSize    int64 // in bytes; a block, unless blocks are allocated in clusters
	blocksPerGroup uint32
	inodesPerGroup uint32
	inodeSize      int64
	descSize       int64
	compat         uint32
	incompat       uint32
	roCompat       uint32
	uuid           [16]byte
	label          string
	journalInode   uint32
	firstMetaBG    uint32
	backupGroups   [2]uint32
	groups         uint64
	sumSeed        uint32 // with which the checksums of metadata begin
	foreign        bool   // made by a system whose inodes have no checksums
	lastOrphan     uint32 // inode at the head of the list of orphans
	orphanFile     uint32 // inode of the file of orphans
}

// parseSuper reads a superblock and refuses numbers that no real file system has.
func parseSuper(b []byte) (superblock, error) {
	le := binary.LittleEndian
	if len(b) < superSize || le.Uint16(b[0x38:]) != superMagic {
		return superblock{}, errors.New("no ext4 superblock")
	}
	s := superblock{
		inodes: le.Uint32(b), blocks: uint64(le.Uint32(b[4:])), firstData: le.Uint32(b[0x14:]),
		blocksPerGroup: le.Uint32(b[0x20:]), inodesPerGroup: le.Uint32(b[0x28:]),
		inodeSize: int64(le.Uint16(b[0x58:])), descSize: 32,
		compat: le.Uint32(b[0x5C:]), incompat: le.Uint32(b[0x60:]), roCompat: le.Uint32(b[0x64:]),
		label: cString(b[0x78:0x88]), journalInode: le.Uint32(b[0xE0:]), firstMetaBG: le.Uint32(b[0x104:]),
		backupGroups: [2]uint32{le.Uint32(b[0x24C:]), le.Uint32(b[0x250:])}, foreign: le.Uint32(b[0x48:]) != 0,
		lastOrphan: le.Uint32(b[0xE8:]), orphanFile: le.Uint32(b[0x280:]),
	}
	copy(s.uuid[:], b[0x68:0x78])
	if le.Uint32(b[0x4C:]) == 0 { // revision 0 has no feature fields
		s.inodeSize, s.compat, s.incompat, s.roCompat = 128, 0, 0, 0
	}
	s.sumSeed = crc32c(^uint32(0), s.uuid[:])
	if s.incompat&incompatSumSeed != 0 {
		s.sumSeed = le.Uint32(b[0x270:])
	}
	if s.has64bit() {
		s.blocks |= uint64(le.Uint32(b[0x150:])) << 32
		s.descSize = int64(le.Uint16(b[0xFE:]))
	}
	log := le.Uint32(b[0x18:])
	if log > 6 {
		return superblock{}, fmt.Errorf("block size 2^%d is larger than 64 KiB", uint64(log)+10)
	}
	s.blockSize = 1024 << log
	s.clusterSize = s.blockSize
	if cluster := le.Uint32(b[0x1C:]); s.roCompat&roBigalloc != 0 && cluster <= 30 {
		s.clusterSize = 1024 << cluster
	}
	return s, s.check(le.Uint32(b[0x1C:]) - log)
}

// check bounds every number that later sizes a loop or an offset.
func (s *superblock) check(clusterLog uint32) error {
	if unknown := s.incompat &^ uint32(knownIncompat); unknown != 0 {
		return &UnsupportedError{Feature: featureName(unknown)}
	}
	if clusterLog > 20 {
		clusterLog = 0
	}
	switch {
	case s.inodeSize < 128 || s.inodeSize > s.blockSize || s.inodeSize&(s.inodeSize-1) != 0:
		return fmt.Errorf("inode size %d is impossible", s.inodeSize)
	case s.descSize < 32 || s.descSize > 1024 || s.descSize > s.blockSize || s.descSize&(s.descSize-1) != 0:
		return fmt.Errorf("group descriptor size %d is impossible", s.descSize)
	case s.blocksPerGroup == 0 || int64(s.blocksPerGroup) > s.blockSize*8<<clusterLog:
		return fmt.Errorf("%d blocks in a group are impossible", s.blocksPerGroup)
	case s.inodesPerGroup == 0 || int64(s.inodesPerGroup) > s.blockSize*8:
		return fmt.Errorf("%d inodes in a group are impossible", s.inodesPerGroup)
	case s.blocks <= uint64(s.firstData) || s.blocks >= 1<<46 || s.firstData > 1:
		return fmt.Errorf("%d blocks from block %d on are impossible", s.blocks, s.firstData)
	}
	s.groups = (s.blocks - uint64(s.firstData) + uint64(s.blocksPerGroup) - 1) / uint64(s.blocksPerGroup)
	if uint64(s.inodes) > s.groups*uint64(s.inodesPerGroup) {
		return fmt.Errorf("%d inodes do not fit in %d groups", s.inodes, s.groups)
	}
	return nil
}

func (s *superblock) has64bit() bool       { return s.incompat&incompat64bit != 0 }
func (s *superblock) hasSums() bool        { return s.roCompat&roSums != 0 }
func (s *superblock) hasFiletype() bool    { return s.incompat&incompatFiletype != 0 }
func (s *superblock) needsRecovery() bool  { return s.incompat&incompatRecover != 0 }
func (s *superblock) hasJournal() bool     { return s.compat&compatJournal != 0 }
func (s *superblock) superBlock() uint64   { return uint64(superOffset / s.blockSize) }
func (s *superblock) superInBlock() int64  { return superOffset % s.blockSize }
func (s *superblock) descPerBlock() uint64 { return uint64(s.blockSize / s.descSize) }

// featureName gives the names that mkfs uses, where there is one.
func featureName(bits uint32) string {
	switch {
	case bits&0x1 != 0:
		return "compression"
	case bits&0x8 != 0:
		return "journal_dev"
	case bits&0x1000 != 0:
		return "dirdata"
	}
	return fmt.Sprintf("incompat %#x", bits)
}

func cString(b []byte) string {
	for i, c := range b {
		if c == 0 {
			return string(b[:i])
		}
	}
	return string(b)
}
