package xfs

import (
	"encoding/binary"
	"errors"
	"fmt"
)

const (
	agfMagic = 0x58414746 // "XAGF": free space
	agiMagic = 0x58414749 // "XAGI": inodes
	aglMagic = 0x5841464C // "XAFL": blocks kept back

	unlinkedLists = 64 // of a group: inodes without a name that were open
	maxUnlinked   = 1 << 20
)

// checkGroups verifies the superblock's checksum and the headers of every group, and reports the files that had no name any
// more and were still open.
func (f *FS) checkGroups() {
	if b, err := f.dev.fresh(0, int(f.super.sectorSize)); err == nil {
		if err := f.checkSum(0, b, 224); err != nil {
			f.note(&DamageError{Place: "superblock", Err: err})
		}
	}
	if f.super.incompat&incompatNeedsRepair != 0 {
		f.note(damaged("superblock", "xfs_repair began to repair the file system and did not end; the kernel does not mount it"))
	}
	for group := range min(f.super.groups, 1<<16) {
		if err := f.checkGroup(group); err != nil {
			f.note(fmt.Errorf("group %d: %w", group, err))
		}
	}
}

func (f *FS) checkGroup(group uint64) error {
	_, freeErr := f.groupHeader(group, 1, agfMagic, 216)
	agi, err := f.groupHeader(group, 2, agiMagic, 312)
	if agi == nil {
		return errors.Join(freeErr, err)
	}
	return errors.Join(freeErr, err, f.unlinked(group, agi))
}

// groupHeader reads one of the headers of a group, each of which has a sector of the disk. With an error, what it says
// comes along where it is one.
func (f *FS) groupHeader(group uint64, n int64, magic uint32, sum int) ([]byte, error) {
	at := int64(group*f.super.groupBlocks)*f.super.blockSize + n*f.super.sectorSize
	b, err := f.dev.fresh(at, int(f.super.sectorSize))
	if err != nil {
		return nil, err
	}
	be := binary.BigEndian
	switch {
	case be.Uint32(b) != magic:
		return nil, damaged(fmt.Sprintf("header %d", n), "its magic %#08x is not %#08x", be.Uint32(b), magic)
	case uint64(be.Uint32(b[8:])) != group:
		err = damaged(fmt.Sprintf("header %d", n), "it says that it is of group %d", be.Uint32(b[8:]))
	}
	if sumErr := f.checkSum(at, b, sum); sumErr != nil {
		err = errors.Join(err, &DamageError{Place: fmt.Sprintf("header %d", n), Err: sumErr})
	}
	return b, err
}
