package xfs

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sort"
)

const (
	treeMagic4 = 0x424D4150 // "BMAP"
	treeMagic5 = 0x424D4133 // "BMA3"
)

// treeBlock is a block of a tree of extents, or its root in the inode. In a leaf, keys are the records.
type treeBlock struct {
	level          int
	keys, pointers []byte // eight bytes each
}

// rootNode reads the root that stands in an inode: a short header, then room for as many keys as pointers.
func rootNode(raw []byte) (treeBlock, error) {
	if len(raw) < 4 {
		return treeBlock{}, errors.New("there is no room for a tree of extents")
	}
	be := binary.BigEndian
	t := treeBlock{level: int(be.Uint16(raw))}
	if t.level == 0 || t.level > maxDepth {
		return t, fmt.Errorf("the tree of extents has level %d at its root", t.level)
	}
	return t, t.split(raw[4:], int(be.Uint16(raw[2:])))
}

// split takes keys and pointers apart.
func (t *treeBlock) split(b []byte, count int) error {
	room := len(b) / 16
	if count > room {
		return fmt.Errorf("%d entries in a block of a tree that has room for %d", count, room)
	}
	t.keys, t.pointers = b[:count*8], b[room*8:room*8+count*8]
	return nil
}

// child gives the block below that holds logical block n, and where the one after it begins.
func (t *treeBlock) child(n uint64) (child, next uint64, ok bool) {
	be := binary.BigEndian
	count := len(t.keys) / 8
	after := sort.Search(count, func(i int) bool { return be.Uint64(t.keys[i*8:]) > n })
	next = maxLogical
	if after < count {
		next = be.Uint64(t.keys[after*8:])
	}
	if after == 0 {
		return 0, next, false
	}
	return be.Uint64(t.pointers[(after-1)*8:]), next, true
}

// treeNode reads the block below one of level above. A wrong checksum is noted, and the block is used.
func (f *FS) treeNode(in *Inode, k *fork, block uint64, above int) (treeBlock, error) {
	at, err := f.super.offset(block)
	if err != nil {
		return treeBlock{}, fmt.Errorf("tree of extents: %w", err)
	}
	b, err := f.dev.bytes(at, int(f.super.blockSize))
	if err != nil {
		return treeBlock{}, fmt.Errorf("tree of extents: %w", err)
	}
	if err := f.checkTreeBlock(in, at, b); err != nil {
		f.noteOnce(damaged(fmt.Sprintf("inode %d, tree of extents, block %#x", in.Number, block), "%w", err))
	}
	t, err := f.parseTreeBlock(b)
	if err == nil && t.level != above-1 {
		err = fmt.Errorf("level %d below level %d", t.level, above)
	}
	if err != nil {
		return t, fmt.Errorf("tree of extents, block %#x: %w", block, err)
	}
	return t, nil
}

// checkTreeBlock verifies the checksum of a block, and that it is this inode's.
func (f *FS) checkTreeBlock(in *Inode, at int64, b []byte) error {
	if !f.super.checksums() {
		return nil
	}
	err := f.checkSum(at, b, 64)
	_, reowned := f.reowned[in.Number]
	if owner := binary.BigEndian.Uint64(b[56:]); owner != in.Number && !reowned && !f.dev.replayed(at, len(b)) {
		err = errors.Join(err, fmt.Errorf("it belongs to inode %d", owner))
	}
	return err
}

func (f *FS) parseTreeBlock(b []byte) (treeBlock, error) {
	be := binary.BigEndian
	header, magic := 24, uint32(treeMagic4)
	if f.super.checksums() {
		header, magic = 72, treeMagic5
	}
	t := treeBlock{level: int(be.Uint16(b[4:]))}
	count := int(be.Uint16(b[6:]))
	switch {
	case be.Uint32(b) != magic:
		return t, fmt.Errorf("magic %#08x", be.Uint32(b))
	case t.level > 0:
		return t, t.split(b[header:], count)
	case header+count*extentSize > len(b):
		return t, fmt.Errorf("%d extents do not fit in a block", count)
	}
	t.keys = b[header : header+count*extentSize]
	return t, nil
}
