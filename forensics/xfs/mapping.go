package xfs

import (
	"encoding/binary"
	"fmt"
	"sort"
)

const (
	extentSize = 16
	maxLogical = 1 << 54 // blocks of one fork
	maxDepth   = 9       // of a tree of extents, as in the kernel
)

// run is a stretch of a fork: consecutive blocks of the disk, or zeros where physical is zero.
type run struct {
	physical uint64 // counted on the disk, see superblock.linear
	blocks   uint64
}

// extent is one record of a map: 54 bits of place in the file, 52 of place on the disk, 21 of length, and whether the
// blocks were never written.
type extent struct {
	logical, block, blocks uint64
	unwritten              bool
}

func parseExtent(b []byte) extent {
	high, low := binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])
	return extent{
		unwritten: high>>63 != 0, logical: high << 1 >> 10,
		block: high&0x1FF<<43 | low>>21, blocks: low & (1<<21 - 1),
	}
}

// runAt gives the stretch of a fork that begins at logical block n; it is at least one block long.
func (f *FS) runAt(in *Inode, k *fork, n uint64) (run, error) {
	place := func() string { return fmt.Sprintf("inode %d, %s %d", in.Number, k.name, n) }
	if n >= maxLogical {
		return run{}, damaged(place(), "is beyond what a file can have")
	}
	var r run
	var err error
	switch k.format {
	case formatExtents:
		r, err = f.listRun(k, n)
	case formatBtree:
		r, err = f.treeRun(in, k, n)
	default:
		err = fmt.Errorf("a fork of format %d has no blocks", k.format)
	}
	if err != nil {
		return run{}, &DamageError{Place: place(), Err: err}
	}
	return r, nil
}

// listRun looks in the list of extents that the inode holds.
func (f *FS) listRun(k *fork, n uint64) (run, error) {
	if k.extents > uint64(len(k.raw)/extentSize) {
		return run{}, fmt.Errorf("%d extents do not fit in %d bytes", k.extents, len(k.raw))
	}
	return f.leafRun(k.raw[:k.extents*extentSize], n, maxLogical)
}

// leafRun finds block n in sorted records; between them, and where blocks were never written, the file is zero. limit is
// where the next leaf begins.
func (f *FS) leafRun(records []byte, n, limit uint64) (run, error) {
	count := len(records) / extentSize
	at := func(i int) extent { return parseExtent(records[i*extentSize:]) }
	after := sort.Search(count, func(i int) bool { return at(i).logical > n })
	if after < count {
		limit = min(limit, at(after).logical)
	}
	hole := run{blocks: max(limit, n+1) - n}
	if after == 0 {
		return hole, nil
	}
	e := at(after - 1)
	switch {
	case n-e.logical >= e.blocks:
		return hole, nil
	case e.unwritten:
		return run{blocks: e.blocks - (n - e.logical)}, nil
	case !f.super.holds(e.block, e.blocks):
		return run{}, fmt.Errorf("the %d blocks from %#x on do not lie in one group", e.blocks, e.block)
	}
	return run{physical: f.super.linear(e.block) + n - e.logical, blocks: e.blocks - (n - e.logical)}, nil
}

// treeRun walks down the tree of extents. Every level must be shallower than the one above, so no tree is a loop.
func (f *FS) treeRun(in *Inode, k *fork, n uint64) (run, error) {
	node, err := rootNode(k.raw)
	if err != nil {
		return run{}, err
	}
	limit := uint64(maxLogical)
	for node.level > 0 {
		child, next, ok := node.child(n)
		limit = min(limit, next)
		if !ok {
			return run{blocks: max(limit, n+1) - n}, nil
		}
		if node, err = f.treeNode(in, k, child, node.level); err != nil {
			return run{}, err
		}
	}
	return f.leafRun(node.keys, n, limit)
}
