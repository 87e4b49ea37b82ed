package ext4

import (
	"cmp"
	"slices"
	"sync"
)

const (
	maxZoneGroups    = 1 << 18 // of larger file systems the zones are not kept
	maxJournalPieces = 1 << 12
)

// zones are the blocks of the file system's own: superblocks, descriptors, bitmaps, inode tables and the journal. No file's bytes can
// lie there (fs/ext4/block_validity.c). They are read when they are first asked for.
type zones struct {
	once sync.Once
	list []run // sorted, none over another
}

// inZone tells whether one of the blocks is the file system's own.
func (f *FS) inZone(first, blocks uint64) bool {
	f.zones.once.Do(func() { f.zones.list = f.readZones() })
	i, _ := slices.BinarySearchFunc(f.zones.list, first, func(z run, first uint64) int {
		if z.physical+z.blocks <= first {
			return -1
		}
		return 1
	})
	return i < len(f.zones.list) && f.zones.list[i].physical < first+blocks
}

func (f *FS) readZones() []run {
	s := &f.super
	if s.groups > maxZoneGroups {
		return nil
	}
	descs := (s.groups + s.descPerBlock() - 1) / s.descPerBlock()
	if s.incompat&incompatMetaBG != 0 {
		descs = min(descs, uint64(s.firstMetaBG))
	}
	var out []run
	for group := range f.groupsOnImage() {
		if s.hasSuper(group) {
			out = append(out, run{physical: s.groupStart(group), blocks: 1 + descs})
		}
		d, err := f.descriptor(group)
		if err != nil {
			continue // inodeTable says so, when the group is used
		}
		out = append(out, run{d.blockBitmap, 1}, run{d.inodeBitmap, 1}, run{d.table, uint64(s.tableBlocks())})
	}
	return joined(append(out, f.journalBlocks()...))
}

// journalBlocks gives where the journal lies, which nobody else may have.
func (f *FS) journalBlocks() []run {
	if !f.super.hasJournal() || f.super.journalInode == 0 {
		return nil
	}
	in, err := f.inode(f.super.journalInode)
	if err != nil {
		return nil // the replay says so, where it is needed
	}
	var out []run
	extents, _ := f.extents(in, maxJournalPieces)
	for _, e := range extents {
		bs := f.super.blockSize
		out = append(out, run{physical: uint64(e.Physical / bs), blocks: uint64((e.Length + bs - 1) / bs)})
	}
	return out
}

// joined sorts stretches and joins those that touch.
func joined(list []run) []run {
	slices.SortFunc(list, func(a, b run) int { return cmp.Compare(a.physical, b.physical) })
	out := list[:0]
	for _, r := range list {
		if last := len(out) - 1; last >= 0 && r.physical <= out[last].physical+out[last].blocks {
			out[last].blocks = max(out[last].blocks, r.physical+r.blocks-out[last].physical)
			continue
		}
		out = append(out, r)
	}
	return out
}
