package ext4

import (
	"cmp"
	"slices"

	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// inodePlace says which record the inode is for.
type inodePlace struct {
	inode uint32
	index int32
}

const (
	inodeGap  = 8 << 10   // bytes that are read for nothing rather than read in two
	inodeRead = 128 << 10 // bytes that are read at a time
)

// stats reads the inodes of all records.
func (b *bulk) stats() {
	b.eachInode(b.places, func(at inodePlace, in *Inode) {
		if in == nil || b.fs.doubts(in) != nil || !b.fill(at, in) {
			b.slowly(at)
		}
	})
}

// eachInode reads inodes in the order of the disk. do is called with nil where one cannot be read, and must not keep it.
func (b *bulk) eachInode(places []inodePlace, do func(inodePlace, *Inode)) {
	slices.SortFunc(places, func(x, y inodePlace) int { return cmp.Compare(x.inode, y.inode) })
	for len(places) > 0 {
		n := b.together(places)
		b.readInodes(places[:n], do)
		places = places[n:]
	}
}

// together gives how many of the inodes, which are sorted, are read at a time.
func (b *bulk) together(places []inodePlace) int {
	s := &b.fs.super
	first, n := places[0].inode, 1
	for ; n < len(places); n++ {
		next, last := places[n].inode, places[n-1].inode
		if first == 0 || (next-1)/s.inodesPerGroup != (first-1)/s.inodesPerGroup ||
			int64(next-last)*s.inodeSize > inodeGap || int64(next-first+1)*s.inodeSize > inodeRead {
			break
		}
	}
	return n
}

// readInodes reads inodes of one group that lie close to each other.
func (b *bulk) readInodes(places []inodePlace, do func(inodePlace, *Inode)) {
	s, first, last := &b.fs.super, places[0].inode, places[len(places)-1].inode
	from, to := int64((first-1)%s.inodesPerGroup)*s.inodeSize, int64((last-1)%s.inodesPerGroup+1)*s.inodeSize
	begin := from / s.blockSize * s.blockSize
	p := b.space(int((to+s.blockSize-1)/s.blockSize*s.blockSize - begin))
	table := b.tableOf(first, last)
	known := table != 0 && b.fs.dev.readRun(table+uint64(begin/s.blockSize), 0, p) == nil
	var in Inode
	for _, at := range places {
		if !known {
			do(at, nil)
			continue
		}
		offset := int64((at.inode-1)%s.inodesPerGroup)*s.inodeSize - begin
		if in.parse(at.inode, p[offset:offset+s.inodeSize], s) != nil {
			do(at, nil)
			continue
		}
		do(at, &in)
	}
}

// tableOf gives the inode table of a group, zero where there is none.
func (b *bulk) tableOf(first, last uint32) uint64 {
	if first == 0 || last > b.fs.super.inodes {
		return 0
	}
	group := uint64((first - 1) / b.fs.super.inodesPerGroup)
	if b.table == 0 || b.group != group {
		table, err := b.fs.inodeTable(group)
		if err != nil {
			return 0
		}
		b.group, b.table = group, table
	}
	return b.table
}

// fill gives a record its stat. It is false where the inode is of another type than its directory says.
func (b *bulk) fill(at inodePlace, in *Inode) bool {
	if said := b.said[at.index]; said != 0 && saidType(said) != in.fileMode().Type() {
		return false
	}
	b.set(at, in)
	return true
}

func (b *bulk) set(at inodePlace, in *Inode) {
	r := &b.names.Records[at.index]
	stat := in.stat()
	r.SetStat(&stat)
	r.At, r.Whole = b.fs.begins(in)
	if !in.isLink() {
		return
	}
	target, err := b.fs.target(in)
	if err != nil {
		b.names.Wrong(int(at.index), err)
	}
	b.links[int(at.index)] = target
}

// slowly reads an inode as Walk does, to say what is wrong.
func (b *bulk) slowly(at inodePlace) {
	i := int(at.index)
	d, wrong := (&dirEntry{fs: b.fs, entry: entry{name: string(b.names.Name(i)), inode: at.inode, kind: b.said[i]}}).read()
	if d.in != nil {
		b.set(at, d.in)
	}
	if wrong != nil {
		b.names.Wrong(i, wrong)
	}
}

// begins gives where an inode's bytes begin on the file system, and whether all of them lie there.
func (f *FS) begins(in *Inode) (at int64, whole bool) {
	bs := f.super.blockSize
	if in.inline() || in.Flags&flagExtents == 0 || f.fast != nil && f.fast.maps[in.Number] != nil {
		return 0, false
	}
	entries, depth, err := extentNode(in.data[:], maxDepth+1)
	if in.Size == 0 && in.isRegular() {
		return 0, true
	}
	if err != nil || len(entries) == 0 {
		return 0, false
	}
	if depth > 0 {
		child, _, _ := indexEntry(entries, 0)
		return int64(min(child, f.super.blocks)) * bs, false
	}
	r := leafRun(entries, 0, maxLogical)
	if r.physical >= f.super.blocks || r.physical == 0 {
		return 0, false
	}
	fits := r.physical+r.blocks <= f.super.blocks
	return int64(r.physical) * bs, fits && in.Size <= int64(r.blocks)*bs && !in.Encrypted()
}

var _ volume.Bulk = (*FS)(nil)
