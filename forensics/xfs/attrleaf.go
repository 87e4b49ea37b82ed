package xfs

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Kinds of blocks of attributes.
const (
	attrLeaf4 = 0xFBEE
	attrLeaf5 = 0x3BEE
	attrNode4 = 0xFEBE
	attrNode5 = 0x3EBE
)

// leaves reads the leaves of the tree from left to right; each says which is next.
func (a *attributes) leaves() {
	n, err := a.leftmost()
	if err != nil {
		a.errs = append(a.errs, err)
		return
	}
	seen := map[uint32]struct{}{}
	for {
		if _, again := seen[n]; again {
			a.wrong("its attribute blocks form a circle at block %d", n)
			return
		}
		seen[n] = struct{}{}
		b, err := a.block(n)
		if err != nil {
			a.errs = append(a.errs, err)
			return
		}
		if err := a.leaf(b); err != nil {
			a.wrong("attribute block %d: %w", n, err)
			return
		}
		if n = binary.BigEndian.Uint32(b); n == 0 {
			return
		}
	}
}

// leftmost goes down from the root of the tree to its first leaf.
func (a *attributes) leftmost() (uint32, error) {
	be := binary.BigEndian
	header, count := 16, 12
	if a.fs.super.checksums() {
		header, count = 64, 56
	}
	n := uint32(0)
	for range maxDepth {
		b, err := a.block(n)
		if err != nil {
			return 0, err
		}
		if magic := be.Uint16(b[8:]); magic != attrNode4 && magic != attrNode5 {
			return n, nil
		}
		if be.Uint16(b[count:]) == 0 {
			return 0, damaged(fmt.Sprintf("inode %d, attribute block %d", a.in.Number, n), "a tree without leaves")
		}
		n = be.Uint32(b[header+4:])
	}
	return 0, damaged(fmt.Sprintf("inode %d", a.in.Number), "the tree of its attributes is deeper than any real one")
}

// block reads a block of the second fork. A wrong checksum is reported, and the block is used.
func (a *attributes) block(n uint32) ([]byte, error) {
	at, err := a.place(n)
	if err != nil {
		return nil, err
	}
	b, err := a.fs.dev.bytes(at, int(a.fs.super.blockSize))
	if err != nil {
		return nil, fmt.Errorf("inode %d, attribute block %d: %w", a.in.Number, n, err)
	}
	if err := a.fs.checkSum(at, b, 12); err != nil {
		a.wrong("attribute block %d: %w", n, err)
	}
	return b, nil
}

// place gives the byte at which a block of the second fork begins.
func (a *attributes) place(n uint32) (int64, error) {
	r, err := a.fs.runAt(a.in, &a.in.attr, uint64(n))
	if err == nil && r.physical == 0 {
		err = damaged(fmt.Sprintf("inode %d, attribute block %d", a.in.Number, n), "is a hole")
	}
	return int64(r.physical) * a.fs.super.blockSize, err
}

// leaf reads the names in one leaf.
func (a *attributes) leaf(b []byte) error {
	be := binary.BigEndian
	header, magic, count := 32, uint16(attrLeaf4), 12
	if a.fs.super.checksums() {
		header, magic, count = 80, attrLeaf5, 56
	}
	if got := be.Uint16(b[8:]); got != magic {
		return fmt.Errorf("its magic %#04x is not that of a leaf", got)
	}
	names := int(be.Uint16(b[count:]))
	if header+names*8 > len(b) {
		return fmt.Errorf("%d names do not fit", names)
	}
	for i := range names {
		e := b[header+i*8:]
		if flags := e[6]; flags&attrIncomplete == 0 {
			if err := a.named(b, int(be.Uint16(e[4:])), flags); err != nil {
				a.wrong("extended attribute %d of a leaf: %w", i+1, err)
			}
		}
	}
	return nil
}

// named reads a name and finds its value.
func (a *attributes) named(b []byte, at int, flags byte) error {
	be := binary.BigEndian
	if flags&attrLocal != 0 {
		if at+3 > len(b) {
			return errors.New("its name lies outside the block")
		}
		e := b[at:]
		value, name := int(be.Uint16(e)), int(e[2])
		if 3+name+value > len(e) {
			return errors.New("it runs over the block's end")
		}
		a.add(flags, string(e[3:3+name]), e[3+name:3+name+value])
		return nil
	}
	if at+9 > len(b) || at+9+int(b[at+8]) > len(b) {
		return errors.New("its name lies outside the block")
	}
	e := b[at:]
	shown := string(e[9 : 9+int(e[8])])
	value, err := a.remote(be.Uint32(e), be.Uint32(e[4:]))
	if err != nil {
		return fmt.Errorf("%q: %w", attrPrefix(flags)+shown, err)
	}
	a.add(flags, shown, value)
	return nil
}
