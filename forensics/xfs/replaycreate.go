package xfs

import (
	"encoding/binary"
	"fmt"
)

// create makes a chunk of new inodes as they are before anything is in them: the log says only where they are.
func (r *replayer) create(it *item) error {
	be, s := binary.BigEndian, &r.fs.super
	b := it.regions[0]
	if len(b) < 28 {
		return fmt.Errorf("new inodes whose description has %d bytes", len(b))
	}
	group, block, count := uint64(be.Uint32(b[4:])), uint64(be.Uint32(b[8:])), uint64(be.Uint32(b[12:]))
	size, length, generation := be.Uint32(b[16:]), uint64(be.Uint32(b[20:])), be.Uint32(b[24:])
	first := group<<s.groupLog | block
	if count == 0 || count > 1024 || int64(size) != s.inodeSize || length == 0 || count != length*s.perBlock || block >= s.groupBlocks || !s.holds(first, length) {
		r.leaveOut("log", "new inodes are left out: %d of %d bytes in %d blocks at block %d of group %d", count, size, length, block, group)
		return nil
	}
	if r.createdAndFreed(first, length) {
		r.fs.replay.Revoked++
		return nil
	}
	off := int64(s.linear(first)) * s.blockSize
	for i := range count {
		if err := r.patchOrSay(off+int64(i)*s.inodeSize, s.newInode(first<<s.perBlockLog+i, generation)); err != nil {
			return err
		}
	}
	return nil
}

// createdAndFreed tells whether a later transaction freed any buffer of the chunk.
func (r *replayer) createdAndFreed(first, length uint64) bool {
	perBlock := r.fs.super.blockSize / sectorSize
	begin := int64(r.fs.super.linear(first)) * perBlock
	end := begin + int64(length)*perBlock
	for size := perBlock; size <= maxBuffer/sectorSize; size *= 2 {
		for at := begin; at < end; at += size {
			if _, ok := r.cancelled[bufferKey{at, size}]; ok {
				return true
			}
		}
	}
	return false
}

// newInode gives a free inode.
func (s *superblock) newInode(number uint64, generation uint32) []byte {
	be := binary.BigEndian
	b := make([]byte, s.inodeSize)
	be.PutUint16(b, inodeMagic)
	b[4] = 2
	be.PutUint32(b[92:], generation)
	be.PutUint32(b[unlinkedAt:], 0xFFFFFFFF)
	if s.version == 5 {
		b[4] = 3
		be.PutUint64(b[152:], number)
		copy(b[160:], s.metaUUID[:])
	}
	return b
}
