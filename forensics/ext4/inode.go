package ext4

import (
	"encoding/binary"
	"fmt"
	"io/fs"
	"time"
)

// Inode flags that change how an inode is read.
const (
	flagEncrypted  = 0x800
	flagExtents    = 0x80000
	flagEAInode    = 0x200000
	flagInlineData = 0x10000000
	flagCasefold   = 0x40000000
)

const knownExtra = 32 // bytes behind the first 128 that hold fields: up to the project's number

// RootInode is the number of the root directory.
const RootInode = 2

// Inode is one inode as the image has it.
type Inode struct {
	Number                      uint32
	Mode                        uint16 // type and permissions as in stat(2)
	UID, GID                    uint32
	Size                        int64
	Links                       uint16
	Flags                       uint32
	Generation                  uint32
	Accessed, Changed, Modified time.Time
	Created, Deleted            time.Time // zero where the image does not say
	Device                      uint32    // of a device node, as the kernel encodes it
	data                        [60]byte  // i_block: extents, block pointers, inline data or a short link's target
	extra                       []byte    // what follows the fixed part: the extended attributes in the inode
	attributes                  uint64    // the block of extended attributes, zero when there is none
	sectors                     uint32    // of 512 bytes, the lower half of their number
	wrong                       error     // what is wrong with the inode, though it can be read
}

// inode reads one inode.
func (f *FS) inode(n uint32) (*Inode, error) {
	b, err := f.rawInode(n)
	if err != nil {
		return nil, err
	}
	return f.super.parseInode(n, b)
}

// rawInode gives an inode's bytes, which the caller must not change.
func (f *FS) rawInode(n uint32) ([]byte, error) {
	block, at, err := f.inodePlace(n)
	if err != nil {
		return nil, err
	}
	b, err := f.dev.block(block)
	if err != nil {
		return nil, fmt.Errorf("inode %d: %w", n, err)
	}
	return b[at : at+f.super.inodeSize], nil
}

// inodePlace gives the block that an inode is in, and where in it.
func (f *FS) inodePlace(n uint32) (block uint64, at int64, err error) {
	if n == 0 || n > f.super.inodes {
		return 0, 0, damaged(fmt.Sprintf("inode %d", n), "the file system has %d inodes", f.super.inodes)
	}
	table, err := f.inodeTable(uint64(n-1) / uint64(f.super.inodesPerGroup))
	if err != nil {
		return 0, 0, err
	}
	at = int64((n-1)%f.super.inodesPerGroup) * f.super.inodeSize
	return table + uint64(at/f.super.blockSize), at % f.super.blockSize, nil
}

func (s *superblock) parseInode(n uint32, b []byte) (*Inode, error) {
	in := &Inode{}
	if err := in.parse(n, b, s); err != nil {
		return nil, err
	}
	return in, nil
}

// parse reads an inode as ext4_iget does. Its wrong is what that would refuse, where the rest can be believed.
func (in *Inode) parse(n uint32, b []byte, s *superblock) error {
	le := binary.LittleEndian
	*in = Inode{
		Number: n, Mode: le.Uint16(b), Links: le.Uint16(b[0x1A:]), Flags: le.Uint32(b[0x20:]), Generation: le.Uint32(b[0x64:]),
		UID: uint32(le.Uint16(b[2:])) | uint32(le.Uint16(b[0x78:]))<<16, GID: uint32(le.Uint16(b[0x18:])) | uint32(le.Uint16(b[0x7A:]))<<16,
		Size:       int64(le.Uint32(b[4:])),
		attributes: uint64(le.Uint32(b[0x68:])), sectors: le.Uint32(b[0x1C:]),
	}
	if s.has64bit() {
		in.attributes |= uint64(le.Uint16(b[0x76:])) << 32
	}
	if in.isRegular() || s.incompat&incompatLargeDir != 0 { // elsewhere the upper half is another field
		in.Size |= int64(le.Uint32(b[0x6C:])) << 32
	}
	copy(in.data[:], b[0x28:0x64])
	if in.Size < 0 {
		return damaged(fmt.Sprintf("inode %d", n), "its size %#x is impossible", uint64(in.Size))
	}
	end := in.setExtra(b)
	if !s.inodeSumRight(n, b) {
		in.wrong = damaged(fmt.Sprintf("inode %d", n), "%w", errSum)
	}
	in.setTimes(b[:end])
	if in.isDevice() {
		in.Device = le.Uint32(in.data[:])
		if in.Device == 0 {
			in.Device = le.Uint32(in.data[4:])
		}
	}
	return nil
}

// setExtra gives where the fixed part of a large inode ends, which the inode says; attributes follow it. An inode that
// says nothing has as many fields as the kernel knows and no attributes.
func (in *Inode) setExtra(b []byte) (end int) {
	if len(b) == 128 {
		return 128
	}
	extra := int(binary.LittleEndian.Uint16(b[0x80:]))
	if extra > len(b)-128 || extra%4 != 0 {
		in.wrong = damaged(fmt.Sprintf("inode %d", in.Number), "a fixed part of %d more bytes than 128, of %d", extra, len(b)-128)
		return 128
	}
	if extra == 0 {
		return min(128+knownExtra, len(b))
	}
	in.extra = b[128+extra:]
	return 128 + extra
}

// setTimes reads the times; b ends where the inode's fixed fields end.
func (in *Inode) setTimes(b []byte) {
	in.Accessed, in.Changed, in.Modified = inodeTime(b, 0x08, 0x8C), inodeTime(b, 0x0C, 0x84), inodeTime(b, 0x10, 0x88)
	if sec := binary.LittleEndian.Uint32(b[0x14:]); sec != 0 {
		in.Deleted = time.Unix(int64(sec), 0).UTC()
	}
	if len(b) >= 0x98 {
		in.Created = inodeTime(b, 0x90, 0x94)
	}
}

// inodeTime joins the 32 bits of seconds with two more and the nanoseconds, where the inode is large enough for them.
func inodeTime(b []byte, at, extraAt int) time.Time {
	sec := int64(int32(binary.LittleEndian.Uint32(b[at:])))
	if len(b) < extraAt+4 {
		return time.Unix(sec, 0).UTC()
	}
	extra := binary.LittleEndian.Uint32(b[extraAt:])
	return time.Unix(sec+int64(extra&3)<<32, int64(extra>>2)).UTC()
}

func (in *Inode) isDir() bool     { return in.Mode&0xF000 == 0x4000 }
func (in *Inode) isRegular() bool { return in.Mode&0xF000 == 0x8000 }
func (in *Inode) isLink() bool    { return in.Mode&0xF000 == 0xA000 }
func (in *Inode) isDevice() bool  { return in.Mode&0xF000 == 0x2000 || in.Mode&0xF000 == 0x6000 }
func (in *Inode) inline() bool    { return in.Flags&flagInlineData != 0 }

// Encrypted tells whether the names or the bytes of the inode are encrypted by fscrypt.
func (in *Inode) Encrypted() bool { return in.Flags&flagEncrypted != 0 }

// Casefolded tells whether the names in a directory are the same in upper and lower case to the kernel. Here they are not:
// a name is found as it is written.
func (in *Inode) Casefolded() bool { return in.Flags&flagCasefold != 0 }

// fileMode translates the mode of stat(2) to Go's.
func (in *Inode) fileMode() fs.FileMode {
	m := fs.FileMode(in.Mode & 0o777)
	if in.Mode&0x800 != 0 {
		m |= fs.ModeSetuid
	}
	if in.Mode&0x400 != 0 {
		m |= fs.ModeSetgid
	}
	if in.Mode&0x200 != 0 {
		m |= fs.ModeSticky
	}
	return m | fileType(in.Mode>>12)
}

// fileType translates the upper four bits of a mode.
func fileType(t uint16) fs.FileMode {
	switch t {
	case 0x1:
		return fs.ModeNamedPipe
	case 0x2:
		return fs.ModeDevice | fs.ModeCharDevice
	case 0x4:
		return fs.ModeDir
	case 0x6:
		return fs.ModeDevice
	case 0x8:
		return 0
	case 0xA:
		return fs.ModeSymlink
	case 0xC:
		return fs.ModeSocket
	}
	return fs.ModeIrregular
}
