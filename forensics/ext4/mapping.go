package ext4

import (
	"encoding/binary"
	"fmt"
)

const (
	extentMagic = 0xF30A
	maxDepth    = 5
	maxLogical  = 1 << 32 // blocks of one file
	maxWritten  = 1 << 15 // blocks of an extent; one with more is unwritten and has so many fewer
)

// run is a stretch of a file: consecutive blocks of the image, or zeros where physical is zero.
type run struct {
	physical uint64
	blocks   uint64
}

// runAt gives the stretch of the file that begins at logical block n; it is at least one block long.
func (f *FS) runAt(in *Inode, n uint64) (run, error) {
	if n >= maxLogical {
		return run{}, damaged(fmt.Sprintf("inode %d", in.Number), "logical block %d is beyond what a file can have", n)
	}
	r, err := f.mapped(in, n)
	if err != nil {
		return run{}, err
	}
	if r.physical != 0 && r.physical+r.blocks > f.super.blocks {
		return run{}, damaged(fmt.Sprintf("inode %d, logical block %d", in.Number, n),
			"points to blocks %d to %d of a file system of %d", r.physical, r.physical+r.blocks-1, f.super.blocks)
	}
	return r, nil
}

func (f *FS) mapped(in *Inode, n uint64) (run, error) {
	if in.Flags&flagExtents != 0 {
		r, err := f.extentAt(in, n)
		if f.fast != nil && f.fast.maps[in.Number] != nil && err == nil {
			r = f.fast.maps[in.Number].over(n, r)
		}
		return r, err
	}
	return f.pointerAt(in, n)
}

// extentAt walks down the extent tree. Every level must be shallower than the one above, so no tree is a loop.
func (f *FS) extentAt(in *Inode, n uint64) (run, error) {
	node, limit, above := in.data[:], uint64(maxLogical), maxDepth+1
	for {
		entries, depth, err := extentNode(node, above)
		if err != nil {
			return run{}, damaged(fmt.Sprintf("inode %d, logical block %d", in.Number, n), "extent tree: %w", err)
		}
		if depth == 0 {
			return leafRun(entries, n, limit), nil
		}
		child, next, ok := indexEntry(entries, n)
		if !ok {
			return run{blocks: max(limit, n+1) - n}, nil
		}
		limit, above = min(limit, next), depth
		if node, err = f.extentBlock(in, child); err != nil {
			return run{}, err
		}
	}
}

// extentBlock reads a node below the inode. Where its checksum is wrong, that is noted and the node is used.
func (f *FS) extentBlock(in *Inode, n uint64) ([]byte, error) {
	place := fmt.Sprintf("inode %d, extent tree in block %d", in.Number, n)
	if n == 0 || n >= f.super.blocks {
		return nil, damaged(place, "the file system has %d blocks", f.super.blocks)
	}
	b, err := f.dev.block(n)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", place, err)
	}
	if !f.super.extentSumRight(in, b) {
		f.met.add(damaged(place, "%w", errSum))
	}
	return b, nil
}

// extentNode checks a node's header and gives its entries, twelve bytes each.
func extentNode(b []byte, above int) (entries []byte, depth int, err error) {
	le := binary.LittleEndian
	count := int(le.Uint16(b[2:]))
	depth = int(le.Uint16(b[6:]))
	switch {
	case le.Uint16(b) != extentMagic:
		return nil, depth, fmt.Errorf("magic %#x", le.Uint16(b))
	case 12+count*12 > len(b):
		return nil, depth, fmt.Errorf("%d entries do not fit", count)
	case le.Uint16(b[4:]) == 0 || 12+int(le.Uint16(b[4:]))*12 > len(b) || count > int(le.Uint16(b[4:])):
		return nil, depth, fmt.Errorf("%d entries where %d fit", count, le.Uint16(b[4:]))
	case depth >= above:
		return nil, depth, fmt.Errorf("depth %d below depth %d", depth, above)
	}
	entries = b[12 : 12+count*12]
	return entries, depth, ordered(entries, depth == 0)
}

// ordered refuses entries that overlap or go back, as ext4_valid_extent_entries does: what they mean is anybody's guess.
func ordered(entries []byte, leaf bool) error {
	le, next := binary.LittleEndian, uint64(0)
	for i := 0; i < len(entries); i += 12 {
		first, length := uint64(le.Uint32(entries[i:])), uint64(1)
		if leaf {
			length = extentLength(entries[i:])
		}
		if first < next || length == 0 {
			return fmt.Errorf("entry %d, of %d blocks from block %d on, comes after block %d", i/12, length, first, next)
		}
		next = first + length
	}
	return nil
}

// indexEntry gives the child that holds block n, and the first block of the child after it.
func indexEntry(entries []byte, n uint64) (child, next uint64, ok bool) {
	le := binary.LittleEndian
	next = maxLogical
	for i := 0; i < len(entries); i += 12 {
		e := entries[i:]
		first := uint64(le.Uint32(e))
		if first > n && ok {
			return child, first, true
		}
		child, ok = uint64(le.Uint32(e[4:]))|uint64(le.Uint16(e[8:]))<<32, true
	}
	return child, next, ok
}

// leafRun finds block n in a leaf; between extents, and where an extent is allocated but unwritten, the file is zero.
func leafRun(entries []byte, n, limit uint64) run {
	le := binary.LittleEndian
	for i := 0; i < len(entries); i += 12 {
		e := entries[i:]
		first, length := uint64(le.Uint32(e)), extentLength(e)
		if first > n {
			limit = min(limit, first)
			break
		}
		if n >= first+length {
			continue
		}
		if le.Uint16(e[4:]) > maxWritten {
			return run{blocks: first + length - n}
		}
		return run{physical: extentStart(e) + n - first, blocks: first + length - n}
	}
	return run{blocks: max(limit, n+1) - n}
}

// pointerAt follows the block pointers of ext2 and ext3: twelve direct ones, then trees of one, two and three levels.
func (f *FS) pointerAt(in *Inode, n uint64) (run, error) {
	if n < 12 {
		return pointerRun(in.data[:48], n), nil
	}
	per := uint64(f.super.blockSize / 4)
	rest, span := n-12, uint64(1)
	for level := range 3 {
		span *= per
		if rest < span {
			return f.pointerTree(in, binary.LittleEndian.Uint32(in.data[48+level*4:]), rest, span)
		}
		rest -= span
	}
	return run{}, damaged(fmt.Sprintf("inode %d", in.Number), "logical block %d is beyond its block pointers", n)
}

func (f *FS) pointerTree(in *Inode, block uint32, rest, span uint64) (run, error) {
	per := uint64(f.super.blockSize / 4)
	for {
		if block == 0 {
			return run{blocks: span - rest}, nil
		}
		b, err := f.dev.block(uint64(block))
		if err != nil {
			return run{}, fmt.Errorf("inode %d, block pointers: %w", in.Number, err)
		}
		span /= per
		if span == 1 {
			return pointerRun(b, rest), nil
		}
		block = binary.LittleEndian.Uint32(b[rest/span*4:])
		rest %= span
	}
}

// pointerRun joins neighbouring pointers into one run.
func pointerRun(pointers []byte, i uint64) run {
	le := binary.LittleEndian
	first := uint64(le.Uint32(pointers[i*4:]))
	r := run{physical: first, blocks: 1}
	for i++; i*4 < uint64(len(pointers)); i++ {
		next := uint64(le.Uint32(pointers[i*4:]))
		if (first == 0 && next != 0) || (first != 0 && next != first+r.blocks) {
			break
		}
		r.blocks++
	}
	return r
}
