package xfs

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"
)

const (
	inodeMagic = 0x494E

	formatDevice  = 0
	formatLocal   = 1 // the fork's content stands in the inode
	formatExtents = 2
	formatBtree   = 3

	flagRealtime = 0x1

	flag2BigTime    = 0x8
	flag2LargeCount = 0x10
)

// Inode is one inode as the image has it.
type Inode struct {
	Number                      uint64
	Mode                        uint16 // type and permissions as in stat(2)
	UID, GID                    uint32
	Size                        int64
	Links                       uint32
	Flags                       uint16
	Flags2                      uint64
	Generation                  uint32
	Accessed, Changed, Modified time.Time
	Created                     time.Time // zero where the image does not say
	data, attr                  fork
	wrong                       error // what its checksum or its own number says against it
}

// fork is one of the two contents of an inode.
type fork struct {
	name    string // "block", "attribute block": for messages
	format  byte
	raw     []byte // what of it stands in the inode
	extents uint64
}

// inode reads one inode. What is wrong with it and leaves something to read is kept in it.
func (f *FS) inode(n uint64) (*Inode, error) {
	place := fmt.Sprintf("inode %d", n)
	at, err := f.super.inodeOffset(n)
	if err != nil {
		return nil, damaged(place, "%w", err)
	}
	b, err := f.dev.bytes(at, int(f.super.inodeSize))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", place, err)
	}
	in, err := parseInode(n, slices.Clone(b), &f.super) // its forks keep what they are made of
	if err != nil {
		return nil, &DamageError{Place: place, Err: err}
	}
	in.wrong = f.checkInode(at, b, in)
	return in, nil
}

// checkInode verifies what version 5 keeps in an inode about itself.
func (f *FS) checkInode(at int64, b []byte, in *Inode) error {
	if !f.super.checksums() {
		return nil
	}
	err := f.checkSum(at, b, 100)
	if own := binary.BigEndian.Uint64(b[152:]); own != in.Number {
		err = errors.Join(err, fmt.Errorf("it says that it is inode %d", own))
	}
	if err == nil {
		return nil
	}
	return &DamageError{Place: fmt.Sprintf("inode %d", in.Number), Err: err}
}

func parseInode(n uint64, b []byte, s *superblock) (*Inode, error) {
	be := binary.BigEndian
	version := b[4]
	switch {
	case be.Uint16(b) != inodeMagic:
		return nil, fmt.Errorf("there is no inode, it begins with %#04x", be.Uint16(b))
	case version == 0 || version > 3 || (version == 3) != (s.version == 5):
		return nil, fmt.Errorf("inode version %d in a file system of version %d", version, s.version)
	case be.Uint16(b[2:]) == 0:
		return nil, errors.New("the inode is free")
	}
	in := &Inode{
		Number: n, Mode: be.Uint16(b[2:]), UID: be.Uint32(b[8:]), GID: be.Uint32(b[12:]), Links: be.Uint32(b[16:]),
		Size: int64(be.Uint64(b[56:])), Flags: be.Uint16(b[90:]), Generation: be.Uint32(b[92:]),
	}
	if version == 1 {
		in.Links = uint32(be.Uint16(b[6:]))
	}
	if version == 3 {
		in.Flags2 = be.Uint64(b[120:])
		in.Created = in.time(b[144:])
	}
	if in.Size < 0 {
		return nil, fmt.Errorf("its size %#x is impossible", uint64(in.Size))
	}
	in.Accessed, in.Modified, in.Changed = in.time(b[32:]), in.time(b[40:]), in.time(b[48:])
	return in, in.setForks(b, s)
}

// setForks finds the two forks: the second begins at eight times the fork offset, and there is none where that is zero.
func (in *Inode) setForks(b []byte, s *superblock) error {
	be := binary.BigEndian
	area := b[s.coreSize():]
	split := int(b[82]) * 8
	if split > len(area) {
		return fmt.Errorf("its second fork begins at byte %d of %d", split, len(area))
	}
	in.data = fork{name: "block", format: b[5], raw: area, extents: uint64(be.Uint32(b[76:]))}
	in.attr = fork{name: "attribute block", format: b[83], extents: uint64(be.Uint16(b[80:]))}
	if split > 0 {
		in.data.raw, in.attr.raw = area[:split], area[split:]
	}
	if in.Flags2&flag2LargeCount != 0 {
		in.data.extents, in.attr.extents = be.Uint64(b[24:]), uint64(be.Uint32(b[76:]))
	}
	return nil
}

func (in *Inode) isDir() bool     { return in.Mode&0xF000 == 0x4000 }
func (in *Inode) isRegular() bool { return in.Mode&0xF000 == 0x8000 }
func (in *Inode) isLink() bool    { return in.Mode&0xF000 == 0xA000 }
func (in *Inode) isDevice() bool  { return in.Mode&0xF000 == 0x2000 || in.Mode&0xF000 == 0x6000 }
