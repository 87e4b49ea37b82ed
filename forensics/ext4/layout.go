package ext4

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"

	"github.com/firebreak-ir/firebreak/forensics/volume"
)

var _ volume.Layout = (*FS)(nil)

// firstUser is the first inode that is a user's, where the superblock does not say; the root's is one too.
const firstUser = 11

// InodeSize is the length of an inode in its table.
func (f *FS) InodeSize() int64 { return f.super.inodeSize }

// Image reads the file system as it is after the replay.
func (f *FS) Image() io.ReaderAt { return replayedImage{f.dev} }

type replayedImage struct{ dev *device }

// ReadAt reads blocks from the journal where it holds newer ones.
func (i replayedImage) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, damaged("image", "offset %d", off)
	}
	if len(p) == 0 {
		return 0, nil
	}
	if err := i.dev.readRun(uint64(off/i.dev.blockSize), off%i.dev.blockSize, p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Newer gives the stretches of which the journal holds a newer copy.
func (f *FS) Newer() []volume.Extent {
	blocks := make([]uint64, 0, len(f.dev.overlay))
	for n := range f.dev.overlay {
		blocks = append(blocks, n)
	}
	for n := range f.dev.patches { // of fast commits
		blocks = append(blocks, n)
	}
	slices.Sort(blocks)
	blocks = slices.Compact(blocks)
	var out []volume.Extent
	bs := f.super.blockSize
	for _, n := range blocks {
		at := int64(n) * bs
		if last := len(out) - 1; last >= 0 && out[last].Physical+out[last].Length == at {
			out[last].Length += bs
			continue
		}
		out = append(out, volume.Extent{Physical: at, Length: bs})
	}
	return out
}

// descriptor is what a group's descriptor says.
type descriptor struct {
	blockBitmap, inodeBitmap, table uint64
	flags                           uint16
	unused                          uint32 // inodes at the end of the table that were never used
}

const inodesUninit = 0x1 // a group's flag: its inode bitmap and table were never written

// descriptor reads one group's.
func (f *FS) descriptor(group uint64) (descriptor, error) {
	s, le := &f.super, binary.LittleEndian
	per := s.descPerBlock()
	b, err := f.dev.block(s.descBlock(group / per))
	if err != nil {
		return descriptor{}, fmt.Errorf("group %d: %w", group, err)
	}
	b = b[int64(group%per)*s.descSize:][:s.descSize]
	d := descriptor{
		blockBitmap: uint64(le.Uint32(b)), inodeBitmap: uint64(le.Uint32(b[0x04:])), table: uint64(le.Uint32(b[0x08:])),
		flags: le.Uint16(b[0x12:]), unused: uint32(le.Uint16(b[0x1C:])),
	}
	if s.descSize >= 64 {
		d.blockBitmap |= uint64(le.Uint32(b[0x20:])) << 32
		d.inodeBitmap |= uint64(le.Uint32(b[0x24:])) << 32
		d.table |= uint64(le.Uint32(b[0x28:])) << 32
		d.unused |= uint32(le.Uint16(b[0x32:])) << 16
	}
	if s.roCompat&(layoutGroupSums|layoutMetadataSums) == 0 { // without their checksums these fields mean nothing
		d.flags, d.unused = 0, 0
	}
	return d, nil
}

// Features with which a group's descriptor says what of it was never used.
const (
	layoutGroupSums    = 0x10
	layoutMetadataSums = 0x400
)

// tableBlocks is the length of a group's inode table.
func (s *superblock) tableBlocks() int64 {
	return (int64(s.inodesPerGroup)*s.inodeSize + s.blockSize - 1) / s.blockSize
}

// groupsOnImage is how many groups begin on the image, whatever the superblock says.
func (f *FS) groupsOnImage() uint64 {
	return min(f.super.groups, uint64(f.dev.size/f.super.blockSize)/uint64(f.super.blocksPerGroup)+1)
}

// Regions visits what the file system uses for itself: group by group, then the journal and the other reserved inodes.
func (f *FS) Regions(do func(volume.Region, error) error) error {
	for group := range f.groupsOnImage() {
		if err := f.groupRegions(group, do); err != nil {
			return err
		}
	}
	first := f.firstUser()
	for n := uint32(1); n < first; n++ {
		if n == RootInode {
			continue
		}
		if err := f.reservedRegions(n, do); err != nil {
			return err
		}
	}
	return nil
}

func (f *FS) groupRegions(group uint64, do func(volume.Region, error) error) error {
	s := &f.super
	region := func(kind string, block uint64, blocks int64) volume.Region {
		return volume.Region{Kind: kind, Offset: int64(block) * s.blockSize, Length: blocks * s.blockSize}
	}
	var parts []volume.Region
	first := uint64(s.firstData) + group*uint64(s.blocksPerGroup)
	if s.hasSuper(group) {
		parts = append(parts, region("superblock", first, 1), region("group descriptors", first+1, s.oldDescriptors()))
		first++
	}
	if s.hasMetaDescriptors(group) {
		parts = append(parts, region("group descriptors", first, 1))
	}
	d, damage := f.descriptor(group)
	if damage == nil {
		table := region("inode table", d.table, s.tableBlocks())
		table.First = group*uint64(s.inodesPerGroup) + 1
		parts = append(parts, region("block bitmap", d.blockBitmap, 1), region("inode bitmap", d.inodeBitmap, 1), table)
	}
	for _, r := range parts {
		if r.Length == 0 {
			continue
		}
		if err := do(r, nil); err != nil {
			return err
		}
	}
	if damage != nil {
		return do(volume.Region{Kind: "group descriptors"}, damage)
	}
	return nil
}

// oldDescriptors is how many blocks of descriptors lie behind each superblock.
func (s *superblock) oldDescriptors() int64 {
	held := (s.groups + s.descPerBlock() - 1) / s.descPerBlock()
	if s.incompat&incompatMetaBG != 0 {
		held = min(held, uint64(s.firstMetaBG))
	}
	return int64(min(held, uint64(s.blocksPerGroup)))
}

// hasMetaDescriptors tells whether a group holds a block of descriptors for the groups around it: the first, the second
// and the last of them do.
func (s *superblock) hasMetaDescriptors(group uint64) bool {
	per := s.descPerBlock()
	within := group % per
	return s.incompat&incompatMetaBG != 0 && group/per >= uint64(s.firstMetaBG) && (within <= 1 || within == per-1)
}

// firstUser gives the first inode that is no reserved one. The blocks behind the group descriptors that are kept for more
// of them belong to a reserved one.
func (f *FS) firstUser() uint32 {
	b, err := f.dev.block(f.super.superBlock())
	if err != nil {
		return firstUser
	}
	if n := binary.LittleEndian.Uint32(b[f.super.superInBlock()+0x54:]); n > firstUser && n < 64 {
		return n
	}
	return firstUser
}

// reservedRegions gives the blocks of a reserved inode, the journal's above all.
func (f *FS) reservedRegions(n uint32, do func(volume.Region, error) error) error {
	kind := "reserved"
	if n == f.super.journalInode && f.super.hasJournal() {
		kind = "journal"
	}
	in, err := f.inode(n)
	if err == nil && (in.Mode == 0 || !in.isRegular()) {
		return nil
	}
	if err != nil {
		return do(volume.Region{Kind: kind}, err)
	}
	owned, err := f.owned(in, maxReserved)
	for _, o := range owned {
		if err := do(volume.Region{Kind: kind, Offset: o.Physical, Length: o.Length}, nil); err != nil {
			return err
		}
	}
	if err != nil {
		return do(volume.Region{Kind: kind}, err)
	}
	return nil
}

const maxReserved = 1 << 16 // stretches of a reserved inode; a journal has a handful
