package ext4

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// foundSuper is the superblock by which the image is read.
type foundSuper struct {
	super superblock
	spare bool  // it is a copy, which does not know of the journal and the orphans
	wrong error // with the first one
}

// findSuper reads the superblock or, where it is damaged, a copy of it.
func findSuper(r io.ReaderAt, size int64) (foundSuper, error) {
	b, s, err := superAt(r, superOffset)
	var unsupported *UnsupportedError
	if err == nil && superSumRight(b) || errors.As(err, &unsupported) && superSumRight(b) {
		return foundSuper{super: s}, err
	}
	wrong := err
	if wrong == nil {
		wrong = errSum
	}
	spare, at, ok := spareSuper(r, size)
	switch {
	case !ok && err != nil:
		return foundSuper{}, err
	case !ok || err == nil && s.sameShape(&spare):
		return foundSuper{super: s, wrong: damaged("superblock", "%w: it is used all the same", wrong)}, nil
	}
	return foundSuper{super: spare, spare: true, wrong: damaged("superblock", "%w: the copy at byte %d is used", wrong, at)}, nil
}

func superAt(r io.ReaderAt, at int64) ([]byte, superblock, error) {
	b := make([]byte, superSize)
	if n, err := r.ReadAt(b, at); n < superSize {
		return b, superblock{}, fmt.Errorf("read: %w", err)
	}
	s, err := parseSuper(b)
	return b, s, err
}

// spareSuper looks for a copy where mkfs puts them, for each size of blocks. A copy knows in which group it lies.
func spareSuper(r io.ReaderAt, size int64) (s superblock, at int64, ok bool) {
	for bs := int64(1 << 10); bs <= 64<<10; bs <<= 1 {
		for _, group := range spareGroups() {
			at := int64(group) * bs * 8 * bs
			if bs == 1<<10 {
				at += bs
			}
			if at+superSize > size {
				break
			}
			b, s, err := superAt(r, at)
			if err == nil && s.blockSize == bs && superSumRight(b) && binary.LittleEndian.Uint16(b[superGroup:]) == uint16(group) {
				s.incompat &^= incompatRecover
				s.lastOrphan = 0
				return s, at, true
			}
		}
	}
	return superblock{}, 0, false
}

// sameShape tells whether two superblocks can be of one file system at different times: everything that says where things
// lie is the same.
func (s *superblock) sameShape(o *superblock) bool {
	const changing = incompatRecover
	return s.blockSize == o.blockSize && s.blocks == o.blocks && s.firstData == o.firstData && s.inodes == o.inodes &&
		s.blocksPerGroup == o.blocksPerGroup && s.inodesPerGroup == o.inodesPerGroup && s.inodeSize == o.inodeSize &&
		s.descSize == o.descSize && s.incompat&^changing == o.incompat&^changing && s.firstMetaBG == o.firstMetaBG
}
