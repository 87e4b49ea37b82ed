package ext4

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"

	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// Owned gives all blocks of an inode: of its content, of what maps the content, and of its attributes.
func (f *FS) Owned(info fs.FileInfo, most int) ([]volume.Owned, error) {
	known, ok := info.(*Info)
	if !ok || known == nil {
		return nil, fs.ErrInvalid
	}
	return f.owned(known.inode, most)
}

func (f *FS) owned(in *Inode, most int) ([]volume.Owned, error) {
	var out []volume.Owned
	var errs []error
	if f.hasBlocks(in) {
		content, err := f.extents(in, most)
		for _, e := range content {
			out = append(out, volume.Owned{Extent: e, For: volume.ForContent})
		}
		m := mapBlocks{fs: f, in: in, left: most - len(out)}
		errs = append(errs, err, m.collect())
		out = append(out, m.found...)
	}
	if in.attributes != 0 && in.attributes < f.super.blocks {
		out = append(out, f.oneBlock(in.attributes, volume.ForAttributes))
	}
	return out, errors.Join(errs...)
}

// hasBlocks tells an inode whose content lies in blocks: not in the inode itself, and not of a device.
func (f *FS) hasBlocks(in *Inode) bool {
	fast := in.isLink() && in.Flags&flagExtents == 0 && in.Size < inlineInside
	return !in.inline() && !fast && (in.isRegular() || in.isDir() || in.isLink())
}

func (f *FS) oneBlock(n uint64, why string) volume.Owned {
	return volume.Owned{Extent: volume.Extent{Physical: int64(n) * f.super.blockSize, Length: f.super.blockSize}, For: why}
}

// mapBlocks collects the blocks that say where a content lies.
type mapBlocks struct {
	fs    *FS
	in    *Inode
	left  int
	found []volume.Owned
}

func (m *mapBlocks) collect() error {
	if m.in.Flags&flagExtents != 0 {
		return m.extents(m.in.data[:], maxDepth+1)
	}
	var errs []error
	for level := range 3 {
		errs = append(errs, m.pointers(binary.LittleEndian.Uint32(m.in.data[48+level*4:]), level))
	}
	return errors.Join(errs...)
}

// take adds one block, within the image and the limit.
func (m *mapBlocks) take(n uint64) error {
	if n == 0 || n >= m.fs.super.blocks {
		return damaged(fmt.Sprintf("inode %d", m.in.Number), "a block of its map, %d, is outside the file system", n)
	}
	if m.left--; m.left < 0 {
		return damaged(fmt.Sprintf("inode %d", m.in.Number), "its map has more blocks than may be looked at")
	}
	m.found = append(m.found, m.fs.oneBlock(n, volume.ForMap))
	return nil
}

// extents goes down a tree of extents. Every level must be shallower than the one above, so no tree is a loop.
func (m *mapBlocks) extents(node []byte, above int) error {
	entries, depth, err := extentNode(node, above)
	if err != nil {
		return damaged(fmt.Sprintf("inode %d", m.in.Number), "extent tree: %w", err)
	}
	if depth == 0 {
		return nil
	}
	var errs []error
	le := binary.LittleEndian
	for i := 0; i < len(entries) && len(errs) < maxErrors && m.left >= 0; i += 12 {
		child := uint64(le.Uint32(entries[i+4:])) | uint64(le.Uint16(entries[i+8:]))<<32
		if err := m.below(child, func(b []byte) error { return m.extents(b, depth) }); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// pointers goes down a tree of block pointers so many levels below its first.
func (m *mapBlocks) pointers(block uint32, level int) error {
	if block == 0 {
		return nil
	}
	if level == 0 {
		return m.take(uint64(block))
	}
	return m.below(uint64(block), func(b []byte) error {
		var errs []error
		for i := 0; i+4 <= len(b) && len(errs) < maxErrors && m.left >= 0; i += 4 {
			if err := m.pointers(binary.LittleEndian.Uint32(b[i:]), level-1); err != nil {
				errs = append(errs, err)
			}
		}
		return errors.Join(errs...)
	})
}

// below takes a block and reads what it holds.
func (m *mapBlocks) below(n uint64, do func([]byte) error) error {
	if err := m.take(n); err != nil {
		return err
	}
	b, err := m.fs.dev.block(n)
	if err != nil {
		return fmt.Errorf("inode %d, map: %w", m.in.Number, err)
	}
	return do(b)
}
