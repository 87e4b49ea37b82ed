package xfs

import (
	"cmp"
	"slices"
)

// inodePlace says which record the inode is for.
type inodePlace struct {
	inode uint64
	index int32
}

const (
	inodeGap  = 16 << 10  // bytes that are read for nothing rather than read in two
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

// together gives how many of the inodes, which are sorted, are read at a time: their places on the disk are sorted too.
func (b *bulk) together(places []inodePlace) int {
	s, n := &b.fs.super, 1
	first, err := s.inodeOffset(places[0].inode)
	for last := first; n < len(places) && err == nil; n++ {
		at, err := s.inodeOffset(places[n].inode)
		if err != nil || at-last > inodeGap || at+s.inodeSize-first > inodeRead {
			break
		}
		last = at
	}
	return n
}

// readInodes reads inodes that lie close to each other.
func (b *bulk) readInodes(places []inodePlace) {
	s := &b.fs.super
	first, err := s.inodeOffset(places[0].inode)
	last, lastErr := s.inodeOffset(places[len(places)-1].inode)
	if err != nil || lastErr != nil {
		b.slowly(places)
		return
	}
	p := b.space(int(last + s.inodeSize - first))
	if b.fs.dev.read(first, p) != nil {
		b.slowly(places)
		return
	}
	for i, at := range places {
		offset, err := s.inodeOffset(at.inode)
		if err != nil || !b.fill(at, offset, p[offset-first:][:s.inodeSize]) {
			b.slowly(places[i : i+1])
		}
	}
}

func (b *bulk) space(n int) []byte {
	if cap(b.buffer) < n {
		b.buffer = make([]byte, max(n, inodeRead))
	}
	return b.buffer[:n]
}

// fill gives a record its stat. It is false where Walk would say that something is wrong.
func (b *bulk) fill(at inodePlace, offset int64, p []byte) bool {
	in, err := parseInode(at.inode, p, &b.fs.super)
	if err != nil || b.fs.checkInode(offset, p, in) != nil {
		return false
	}
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

// slowly reads inodes as Walk does, to say what is wrong.
func (b *bulk) slowly(places []inodePlace) {
	for _, at := range places {
		i := int(at.index)
		d, wrong := (&dirEntry{fs: b.fs, entry: entry{name: string(b.names.Name(i)), inode: at.inode, kind: b.said[i]}}).read()
		if d.in != nil {
			b.set(at, d.in)
		}
		if wrong != nil {
			b.names.Wrong(i, wrong)
		}
	}
}

// begins gives where an inode's bytes begin on the file system, and whether all of them lie there. What has no list of
// extents is read near the inode first.
func (f *FS) begins(in *Inode) (at int64, whole bool) {
	k := &in.data
	if in.Size == 0 && in.isRegular() && in.Flags&flagRealtime == 0 {
		return 0, true
	}
	if k.format != formatExtents || k.extents == 0 || len(k.raw) < extentSize {
		at, _ := f.super.inodeOffset(in.Number) // it was read from there
		return at, false
	}
	e := parseExtent(k.raw)
	if !f.super.holds(e.block, e.blocks) {
		return 0, false
	}
	one := k.extents == 1 && e.logical == 0 && !e.unwritten && in.Flags&flagRealtime == 0
	return int64(f.super.linear(e.block)) * f.super.blockSize, one && in.Size <= int64(e.blocks)*f.super.blockSize
}
