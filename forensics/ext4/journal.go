package ext4

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// The journal is big-endian, unlike everything else on the disk.
const (
	journalMagic  = 0xC03B3998
	blockDesc     = 1
	blockCommit   = 2
	blockSuperV1  = 3
	blockSuperV2  = 4
	blockRevoke   = 5
	journalHeader = 12

	journalOldSums    = 0x1 // a compatible feature: commit blocks have a checksum of what they commit
	journal64bit      = 0x2
	journalCsumV2     = 0x8
	journalCsumV3     = 0x10
	journalFastCommit = 0x20
	journalKnown      = 0x1 | journal64bit | 0x4 | journalCsumV2 | journalCsumV3 | journalFastCommit
)

// journal reads the log in the journal's inode, from the image itself.
type journal struct {
	fs          *FS
	inode       *Inode
	first, last uint32 // the log is the blocks from first up to, not including, last, and wraps
	start       uint32
	sequence    uint32
	incompat    uint32
	oldSums     bool
	seed        uint32
	fastBlocks  uint32
	total       uint32 // blocks, those of fast commits included
}

// openJournal reads and checks the journal's superblock. The result is nil when there is nothing to replay.
func (f *FS) openJournal() (*journal, error) {
	if !f.super.hasJournal() || f.super.journalInode == 0 {
		return nil, damaged("journal", "the file system needs its journal, which is not on this device: the image is shown without it")
	}
	in, err := f.inode(f.super.journalInode)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	j := &journal{fs: f, inode: in}
	b, err := j.block(0)
	if err != nil {
		return nil, err
	}
	return j.parse(b)
}

func (j *journal) parse(b []byte) (*journal, error) {
	be := binary.BigEndian
	kind := be.Uint32(b[4:])
	if be.Uint32(b) != journalMagic || (kind != blockSuperV1 && kind != blockSuperV2) {
		return nil, damaged("journal block 0", "no journal superblock")
	}
	j.last, j.first, j.sequence, j.start = be.Uint32(b[0x10:]), be.Uint32(b[0x14:]), be.Uint32(b[0x18:]), be.Uint32(b[0x1C:])
	if kind == blockSuperV2 {
		j.incompat = be.Uint32(b[0x28:])
		j.oldSums = be.Uint32(b[0x24:])&journalOldSums != 0
	}
	if err := j.checkSuper(b); err != nil {
		return nil, err
	}
	if j.start == 0 {
		return nil, nil
	}
	return j, nil
}

func (j *journal) checkSuper(b []byte) error {
	be := binary.BigEndian
	j.seed = crc32c(^uint32(0), b[0x30:0x40])
	if j.incompat&journalFastCommit != 0 {
		if j.fastBlocks = be.Uint32(b[0x54:]); j.fastBlocks == 0 {
			j.fastBlocks = 256
		}
	}
	if j.total = j.last; j.last < j.fastBlocks+minLog { // as journal_load_superblock: there is no room for them
		j.fastBlocks = 0
	}
	held := uint64(j.inode.Size / j.fs.super.blockSize)
	switch {
	case j.incompat&^uint32(journalKnown) != 0:
		return damaged("journal block 0", "unknown features %#x: the image is shown without its journal", j.incompat&^uint32(journalKnown))
	case int64(be.Uint32(b[0x0C:])) != j.fs.super.blockSize:
		return damaged("journal block 0", "blocks of %d bytes in a file system of %d", be.Uint32(b[0x0C:]), j.fs.super.blockSize)
	case j.checksums() && sumWithout(b[:superSize], 0xFC, ^uint32(0)) != be.Uint32(b[0xFC:]):
		return damaged("journal block 0", "its checksum is wrong: the image is shown without its journal")
	case uint64(j.last) > held || j.last > uint32(j.fs.limits.MaxJournalBlocks):
		return damaged("journal block 0", "%d blocks, its inode holds %d and the limit is %d", j.last, held, j.fs.limits.MaxJournalBlocks)
	case j.fastBlocks >= j.last || j.first == 0 || j.first >= j.last-j.fastBlocks || j.start >= j.last-j.fastBlocks || (j.start != 0 && j.start < j.first):
		return damaged("journal block 0", "a log from %d to %d that starts at %d", j.first, j.last, j.start)
	}
	j.last -= j.fastBlocks
	return nil
}

// checksums tells whether descriptor, revoke and commit blocks end in a checksum.
func (j *journal) checksums() bool { return j.incompat&(journalCsumV2|journalCsumV3) != 0 }

// physical gives where a block of the journal lies on the image.
func (j *journal) physical(n uint32) (uint64, error) {
	r, err := j.fs.runAt(j.inode, uint64(n))
	if err != nil {
		return 0, fmt.Errorf("journal block %d: %w", n, err)
	}
	if r.physical == 0 {
		return 0, damaged(fmt.Sprintf("journal block %d", n), "is a hole")
	}
	return r.physical, nil
}

func (j *journal) block(n uint32) ([]byte, error) {
	at, err := j.physical(n)
	if err != nil {
		return nil, err
	}
	b := make([]byte, j.fs.super.blockSize)
	return b, j.fs.dev.raw(at, 0, b)
}

// wrap gives the block of the log that follows n-1.
func (j *journal) wrap(n uint32) uint32 {
	if n >= j.last {
		return n - j.last + j.first
	}
	return n
}

// endSum checks the checksum in a block's last four bytes.
func (j *journal) endSum(b []byte) bool {
	end := len(b) - 4
	return !j.checksums() || sumWithout(b, end, j.seed) == binary.BigEndian.Uint32(b[end:])
}

// commitSum checks the checksum inside a commit block.
func (j *journal) commitSum(b []byte) bool {
	return !j.checksums() || sumWithout(b, 0x10, j.seed) == binary.BigEndian.Uint32(b[0x10:])
}

// sumWithout is the checksum of b with the four bytes at hole, its own field, taken for zeros.
func sumWithout(b []byte, hole int, seed uint32) uint32 {
	sum := crc32c(seed, b[:hole])
	sum = crc32c(sum, make([]byte, 4))
	return crc32c(sum, b[hole+4:])
}

// crc32c is the kernel's: it inverts neither before nor after.
func crc32c(seed uint32, b []byte) uint32 {
	return ^crc32.Update(^seed, crc32.MakeTable(crc32.Castagnoli), b)
}
