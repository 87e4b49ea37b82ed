package xfs

import (
	"encoding/binary"
	"errors"
	"fmt"
)

const (
	superMagic = "XFSB"
	superSize  = 512 // of its fields fewer are used, and no sector is smaller
)

// Bits of the version field of fs/xfs/libxfs/xfs_format.h.
const (
	versionMask   = 0xF
	versionLogV2  = 0x400
	versionDirV2  = 0x2000
	versionFolded = 0x4000 // names are found whatever the case of their ASCII and Latin-1 letters
	versionMore   = 0x8000

	more2Attr2    = 0x8
	more2FileType = 0x200
)

// superblock is the part of the superblock that reading needs.
type superblock struct {
	version     uint16 // 4 or 5
	bits        uint16
	blockSize   int64
	blocks      uint64
	groupBlocks uint64
	groups      uint64
	groupLog    uint // bits of a block's number that count inside its group
	sectorSize  int64
	inodeSize   int64
	perBlock    uint64 // inodes in a block
	perBlockLog uint
	dirLog      uint // a directory's block has so many times doubled blocks
	root        uint64
	logStart    uint64 // as a block's number of the file system
	logBlocks   uint64
	uuid        [16]byte // as blkid prints it
	metaUUID    [16]byte // as metadata carries it
	label       string
	more2       uint32
	features
}

// parseSuper reads a superblock and refuses numbers that no real file system has.
func parseSuper(b []byte) (superblock, error) {
	be := binary.BigEndian
	if len(b) < superSize || string(b[:4]) != superMagic {
		return superblock{}, errors.New("no XFS superblock")
	}
	s := superblock{
		version: be.Uint16(b[100:]) & versionMask, bits: be.Uint16(b[100:]),
		blockSize: int64(be.Uint32(b[4:])), blocks: be.Uint64(b[8:]),
		groupBlocks: uint64(be.Uint32(b[84:])), groups: uint64(be.Uint32(b[88:])), groupLog: uint(b[124]),
		sectorSize: int64(be.Uint16(b[102:])), inodeSize: int64(be.Uint16(b[104:])),
		perBlock: uint64(be.Uint16(b[106:])), perBlockLog: uint(b[123]), dirLog: uint(b[192]),
		root: be.Uint64(b[56:]), logStart: be.Uint64(b[48:]), logBlocks: uint64(be.Uint32(b[96:])),
		label: cString(b[108:120]),
	}
	copy(s.uuid[:], b[32:48])
	s.metaUUID = s.uuid
	if s.bits&versionMore != 0 {
		s.more2 = be.Uint32(b[200:])
	}
	if s.version == 5 {
		s.features = parseFeatures(b)
		if s.incompat&incompatMetaUUID != 0 {
			copy(s.metaUUID[:], b[248:264])
		}
	}
	if err := s.checkSupport(be.Uint64(b[16:]), b[126]); err != nil {
		return superblock{}, err
	}
	return s, s.check()
}

// check bounds every number that later sizes a loop or an offset.
func (s *superblock) check() error {
	if err := s.checkSizes(); err != nil {
		return err
	}
	switch {
	case s.groups == 0 || s.groupBlocks < 5 || s.groupLog > 31 || s.groupBlocks > 1<<s.groupLog || s.groupBlocks*2 <= 1<<s.groupLog:
		return fmt.Errorf("%d groups of %d blocks, counted with %d bits, are impossible", s.groups, s.groupBlocks, s.groupLog)
	case s.blocks > s.groups*s.groupBlocks || s.blocks <= (s.groups-1)*s.groupBlocks || s.blocks >= 1<<47:
		return fmt.Errorf("%d blocks do not fit in %d groups of %d", s.blocks, s.groups, s.groupBlocks)
	case s.logBlocks == 0 || s.logBlocks*uint64(s.blockSize) > 2<<30 || !s.holds(s.logStart, s.logBlocks):
		return fmt.Errorf("a log of %d blocks from block %#x on is impossible", s.logBlocks, s.logStart)
	}
	return nil
}

func (s *superblock) checkSizes() error {
	switch {
	case !isPower(s.blockSize, 512, 64<<10):
		return fmt.Errorf("blocks of %d bytes are impossible", s.blockSize)
	case !isPower(s.sectorSize, 512, 32<<10):
		return fmt.Errorf("sectors of %d bytes are impossible", s.sectorSize)
	case !isPower(s.inodeSize, 256, 2048) || s.inodeSize > s.blockSize || s.inodeSize < int64(s.coreSize())+16:
		return fmt.Errorf("inodes of %d bytes are impossible", s.inodeSize)
	case s.perBlock != uint64(s.blockSize/s.inodeSize) || s.perBlockLog > 8 || s.perBlock != 1<<s.perBlockLog:
		return fmt.Errorf("%d inodes in a block, counted with %d bits, are impossible", s.perBlock, s.perBlockLog)
	case s.dirLog > 7 || s.blockSize<<s.dirLog > 64<<10:
		return fmt.Errorf("directory blocks of 2^%d blocks are impossible", s.dirLog)
	}
	return nil
}

// isPower tells whether n is a power of two and within the bounds, those included.
func isPower(n, least, most int64) bool { return n >= least && n <= most && n&(n-1) == 0 }

// coreSize is where an inode's forks begin.
func (s *superblock) coreSize() int {
	if s.version == 5 {
		return 176
	}
	return 100
}

func (s *superblock) checksums() bool { return s.version == 5 }
func (s *superblock) logV2() bool     { return s.version == 5 || s.bits&versionLogV2 != 0 }
func (s *superblock) folded() bool    { return s.bits&versionFolded != 0 }

// fileTypes tells whether a directory's entries say of what type their file is.
func (s *superblock) fileTypes() bool {
	if s.version == 5 {
		return s.incompat&incompatFileType != 0
	}
	return s.more2&more2FileType != 0
}

// dirSize is the size of a directory's block in bytes.
func (s *superblock) dirSize() int64 { return s.blockSize << s.dirLog }

func cString(b []byte) string {
	for i, c := range b {
		if c == 0 {
			return string(b[:i])
		}
	}
	return string(b)
}
