package xfs

import (
	"encoding/binary"
	"errors"
	"fmt"
)

const (
	remoteMagic  = 0x5841524D // "XARM"
	remoteHeader = 56         // of each block in version 5
)

// remote reads a value that has blocks of its own in the second fork.
func (a *attributes) remote(block, size uint32) ([]byte, error) {
	if size > maxValue {
		return nil, fmt.Errorf("its value of %d bytes is larger than the %d that are possible", size, maxValue)
	}
	out := make([]byte, 0, size)
	for n := block; len(out) < int(size); n++ {
		at, err := a.place(n)
		if err != nil {
			return nil, err
		}
		b, err := a.fs.dev.bytes(at, int(a.fs.super.blockSize))
		if err != nil {
			return nil, err
		}
		part, err := a.remotePart(n, at, b, uint32(len(out)))
		if err != nil {
			return nil, fmt.Errorf("attribute block %d: %w", n, err)
		}
		out = append(out, part[:min(len(part), int(size)-len(out))]...)
	}
	return out, nil
}

// remotePart gives what one block holds of a value. A wrong checksum is reported, and the bytes are used.
func (a *attributes) remotePart(n uint32, at int64, b []byte, offset uint32) ([]byte, error) {
	if !a.fs.super.checksums() {
		return b, nil
	}
	be := binary.BigEndian
	length := uint64(be.Uint32(b[8:]))
	switch {
	case be.Uint32(b) != remoteMagic:
		return nil, fmt.Errorf("its magic %#08x is not that of a value", be.Uint32(b))
	case be.Uint32(b[4:]) != offset:
		return nil, fmt.Errorf("it holds the value from byte %d on where byte %d comes next", be.Uint32(b[4:]), offset)
	case be.Uint64(b[32:]) != a.in.Number:
		return nil, fmt.Errorf("it belongs to inode %d", be.Uint64(b[32:]))
	case length == 0 || length > uint64(len(b)-remoteHeader):
		return nil, errors.New("it has no room for what it says that it holds")
	}
	if err := a.fs.checkSum(at, b, 12); err != nil {
		a.wrong("attribute block %d: %w", n, err)
	}
	return b[remoteHeader : remoteHeader+length], nil
}
