package xfs

import (
	"encoding/binary"
	"errors"
	"fmt"
)

const (
	linkMagic  = 0x58534C4D // "XSLM"
	linkHeader = 56         // of a stretch of blocks in version 5
	maxTarget  = 1024       // bytes, as in the kernel
)

// target reads a symbolic link: short ones stand in the inode, others in blocks of their own.
func (f *FS) target(in *Inode) (string, error) {
	place := fmt.Sprintf("inode %d", in.Number)
	if in.Size > maxTarget {
		return "", damaged(place, "a link's target of %d bytes is longer than the %d that are possible", in.Size, maxTarget)
	}
	if in.data.format == formatLocal {
		if in.Size > int64(len(in.data.raw)) {
			return "", damaged(place, "a link's target of %d bytes does not fit in the inode", in.Size)
		}
		return string(in.data.raw[:in.Size]), nil
	}
	var out []byte
	for n := uint64(0); int64(len(out)) < in.Size; {
		r, err := f.runAt(in, &in.data, n)
		if err != nil {
			return string(out), err
		}
		part, err := f.targetPart(in, r, in.Size-int64(len(out)))
		if err != nil {
			return string(out), &DamageError{Place: fmt.Sprintf("%s, link block %d", place, n), Err: err}
		}
		out, n = append(out, part...), n+r.blocks
	}
	return string(out), nil
}

// targetPart reads what one stretch of blocks holds of a target, which in version 5 begins with a header.
func (f *FS) targetPart(in *Inode, r run, left int64) ([]byte, error) {
	if r.physical == 0 {
		return nil, errors.New("the target lies in a hole")
	}
	header := int64(0)
	if f.super.checksums() {
		header = linkHeader
	}
	at, size := int64(r.physical)*f.super.blockSize, f.bytesOf(r, 64<<10)
	if size <= header {
		return nil, fmt.Errorf("%d bytes have no room for a target", size)
	}
	b, err := f.dev.bytes(at, int(size))
	if err != nil {
		return nil, err
	}
	if header > 0 {
		if err := f.checkLink(in, at, b); err != nil {
			return nil, err
		}
	}
	return b[header : header+min(left, size-header)], nil
}

// checkLink verifies the header of a stretch. A wrong checksum is noted, and the target is used.
func (f *FS) checkLink(in *Inode, at int64, b []byte) error {
	if magic := binary.BigEndian.Uint32(b); magic != linkMagic {
		return fmt.Errorf("its magic %#08x is not that of a link's target", magic)
	}
	if err := f.checkSum(at, b, 12); err != nil {
		f.noteOnce(damaged(fmt.Sprintf("inode %d, link target", in.Number), "%w", err))
	}
	return nil
}
