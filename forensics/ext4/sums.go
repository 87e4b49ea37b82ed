package ext4

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Metadata carries checksums where mkfs was told so, as it is by default. One that is wrong is reported and what it covers
// is read all the same: it may be a flipped bit, or somebody's doing. The kernel's functions for them end in _csum_verify.

const (
	inodeIndexed = 0x1000 // flag of a directory with a hash tree
	tailKind     = 0xDE   // the type of the entry that holds a directory block's checksum
	dirTail      = 12
)

var errSum = errors.New("its checksum is wrong")

// superSumRight tells whether a superblock's own checksum is right, where it has one.
func superSumRight(b []byte) bool {
	le := binary.LittleEndian
	return le.Uint32(b[0x64:])&roSums == 0 || le.Uint32(b[0x4C:]) == 0 || crc32c(^uint32(0), b[:superSum]) == le.Uint32(b[superSum:])
}

// inodeSeed is what the checksums of everything begin with that belongs to an inode.
func (s *superblock) inodeSeed(n, generation uint32) uint32 {
	le := binary.LittleEndian
	return crc32c(s.sumSeed, le.AppendUint32(le.AppendUint32(make([]byte, 0, 8), n), generation))
}

// inodeSumRight tells whether an inode's checksum is right.
func (s *superblock) inodeSumRight(n uint32, b []byte) bool {
	if !s.hasSums() || s.foreign {
		return true
	}
	le := binary.LittleEndian
	sum, wide := s.inodeSum(n, b)
	if uint16(sum) != le.Uint16(b[0x7C:]) {
		return false
	}
	return !wide || uint16(sum>>16) == le.Uint16(b[0x82:])
}

// setInodeSum writes an inode's checksum into it.
func (s *superblock) setInodeSum(n uint32, b []byte) {
	if !s.hasSums() || s.foreign {
		return
	}
	le := binary.LittleEndian
	sum, wide := s.inodeSum(n, b)
	le.PutUint16(b[0x7C:], uint16(sum))
	if wide {
		le.PutUint16(b[0x82:], uint16(sum>>16))
	}
}

// inodeSum gives an inode's checksum. The upper half has a field, and is wide, where the inode's fixed part reaches it.
func (s *superblock) inodeSum(n uint32, b []byte) (sum uint32, wide bool) {
	le := binary.LittleEndian
	var zero [2]byte
	sum = crc32c(s.inodeSeed(n, le.Uint32(b[0x64:])), b[:0x7C])
	sum = crc32c(crc32c(sum, zero[:]), b[0x7E:128])
	if len(b) == 128 {
		return sum, false
	}
	sum = crc32c(sum, b[128:0x82])
	if le.Uint16(b[0x80:]) < 4 {
		return crc32c(sum, b[0x82:]), false
	}
	return crc32c(crc32c(sum, zero[:]), b[0x84:]), true
}

// dirSum says what is wrong with the checksum of a directory's block.
func (f *FS) dirSum(in *Inode, logical uint64, b []byte) error {
	if !f.super.hasSums() {
		return nil
	}
	seed, right := f.super.inodeSeed(in.Number, in.Generation), false
	if at, ok := f.hashNode(in, logical, b); ok {
		right = hashNodeSumRight(seed, b, at)
	} else {
		tail := b[len(b)-dirTail:]
		le := binary.LittleEndian
		right = le.Uint32(tail) == 0 && le.Uint16(tail[4:]) == dirTail && tail[6] == 0 && tail[7] == tailKind &&
			crc32c(seed, b[:len(b)-dirTail]) == le.Uint32(tail[8:])
	}
	if right {
		return nil
	}
	return damaged(fmt.Sprintf("inode %d, directory block %d", in.Number, logical), "%w", errSum)
}

// hashNode tells whether a block is a node of a directory's hash tree, and where its list of hashes begins: the first
// block of an indexed directory is one, and each that looks like one long empty entry.
func (f *FS) hashNode(in *Inode, logical uint64, b []byte) (at int, ok bool) {
	length := f.entryLength(binary.LittleEndian.Uint16(b[4:]))
	switch {
	case in.Flags&inodeIndexed == 0:
		return 0, false
	case length == len(b):
		return 8, true
	}
	return 0x20, logical == 0 // behind the entries "." and ".." and the root's eight bytes
}

// hashNodeSumRight checks the checksum that stands behind the room for hashes; it covers the hashes that there are.
func hashNodeSumRight(seed uint32, b []byte, at int) bool {
	le := binary.LittleEndian
	limit, count := int(le.Uint16(b[at:])), int(le.Uint16(b[at+2:]))
	tail := at + limit*8
	if tail+8 > len(b) || count > limit {
		return false
	}
	sum := crc32c(seed, b[:at+count*8])
	sum = crc32c(sum, b[tail:tail+4])
	return crc32c(sum, make([]byte, 4)) == le.Uint32(b[tail+4:])
}

// extentSumRight checks the checksum behind the room for entries in a block of an extent tree.
func (s *superblock) extentSumRight(in *Inode, b []byte) bool {
	if !s.hasSums() {
		return true
	}
	le := binary.LittleEndian
	tail := 12 + 12*int(le.Uint16(b[4:]))
	return tail+4 <= len(b) && crc32c(s.inodeSeed(in.Number, in.Generation), b[:tail]) == le.Uint32(b[tail:])
}

// xattrSumRight checks the checksum of a block of extended attributes.
func (s *superblock) xattrSumRight(n uint64, b []byte) bool {
	if !s.hasSums() {
		return true
	}
	le := binary.LittleEndian
	seed := crc32c(s.sumSeed, le.AppendUint64(make([]byte, 0, 8), n))
	return sumWithout(b, 0x10, seed) == le.Uint32(b[0x10:])
}

// descSumRight checks the checksum of a group's descriptor: 16 bits of CRC-32C or, in older file systems, a CRC-16.
func (s *superblock) descSumRight(group uint64, d []byte) bool {
	le := binary.LittleEndian
	number, want := le.AppendUint32(make([]byte, 0, 4), uint32(group)), le.Uint16(d[0x1E:])
	switch {
	case s.hasSums():
		sum := crc32c(crc32c(s.sumSeed, number), d[:0x1E])
		sum = crc32c(sum, make([]byte, 2))
		return uint16(crc32c(sum, d[0x20:])) == want
	case s.roCompat&roGroupSums != 0:
		sum := crc16(crc16(crc16(^uint16(0), s.uuid[:]), number), d[:0x1E])
		return crc16(sum, d[0x20:]) == want
	}
	return true
}

// crc16 is the kernel's, with the polynomial of CRC-16-ANSI.
func crc16(sum uint16, b []byte) uint16 {
	for _, c := range b {
		sum ^= uint16(c)
		for range 8 {
			low := sum & 1
			if sum >>= 1; low != 0 {
				sum ^= 0xA001
			}
		}
	}
	return sum
}
