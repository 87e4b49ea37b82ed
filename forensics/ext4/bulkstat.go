package ext4

import (
	"cmp"
	"slices"

	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// inodePlace says which record the inode is for.
type inodePlace struct {
	inode      uint32
	dir, index int32
}

const (
	inodeGap  = 8 << 10   // bytes that are read for nothing rather than read in two
	inodeRead = 128 << 10 // bytes that are read at a time
)

// stats reads the inodes of all records, in the order of the disk.
func (b *bulk) stats() {
	slices.SortFunc(b.places, func(x, y inodePlace) int { return cmp.Compare(x.inode, y.inode) })
	for places := b.places; len(places) > 0; {
		n := b.together(places)
		b.readInodes(places[:n])
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
func (b *bulk) readInodes(places []inodePlace) {
	f, first, last := b.fs, places[0].inode, places[len(places)-1].inode
	bs, size, per := f.super.blockSize, f.super.inodeSize, f.super.inodesPerGroup
	table, err := uint64(0), error(nil)
	if first != 0 && last <= f.super.inodes {
		table, err = f.inodeTable(uint64((first - 1) / per))
	}
	if err != nil || table == 0 {
		b.slowly(places)
		return
	}
	from, to := int64((first-1)%per)*size, int64((last-1)%per+1)*size
	begin := from / bs * bs
	p := b.space(int((to+bs-1)/bs*bs - begin))
	if f.dev.readRun(table+uint64(begin/bs), 0, p) != nil {
		b.slowly(places)
		return
	}
	var in Inode
	for i := range places {
		at := int64((places[i].inode-1)%per)*size - begin
		if in.parse(places[i].inode, p[at:at+size], &f.super) != nil || in.wrong != nil || !b.fill(places[i], &in) {
			b.slowly(places[i : i+1])
		}
	}
}

// fill gives a record its stat. It is false where the inode is of another type than its directory says.
func (b *bulk) fill(at inodePlace, in *Inode) bool {
	if said := b.said[at.dir][at.index]; said != 0 && saidType(said) != in.fileMode().Type() {
		return false
	}
	b.set(at, in)
	return true
}

func (b *bulk) set(at inodePlace, in *Inode) {
	r := &b.names[at.dir].Records[at.index]
	stat := in.stat()
	r.SetStat(&stat)
	r.At, r.Whole = b.fs.begins(in)
	if !in.isLink() {
		return
	}
	target, err := b.fs.target(in)
	if err != nil {
		b.names[at.dir].Wrong(int(at.index), err)
	}
	b.links[[2]int32{at.dir, at.index}] = target
}

// slowly reads inodes as Walk does, to say what is wrong.
func (b *bulk) slowly(places []inodePlace) {
	for _, at := range places {
		l := &b.names[at.dir]
		d, wrong := (&dirEntry{fs: b.fs, entry: entry{name: string(l.Name(int(at.index))), inode: at.inode, kind: b.said[at.dir][at.index]}}).read()
		if d.in != nil {
			b.set(at, d.in)
		}
		if wrong != nil {
			l.Wrong(int(at.index), wrong)
		}
	}
}

// begins gives where an inode's bytes begin on the file system, and whether all of them lie there.
func (f *FS) begins(in *Inode) (at int64, whole bool) {
	bs := f.super.blockSize
	if in.inline() || in.Flags&flagExtents == 0 {
		return 0, false
	}
	entries, depth, err := extentNode(in.data[:], maxDepth+1)
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
