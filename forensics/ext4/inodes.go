package ext4

import (
	"fmt"
	"io/fs"

	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// Inode gives one inode; used is false for one that is free. Where its group's bitmap cannot be read, an inode with a link
// is taken for used.
func (f *FS) Inode(n uint64) (info fs.FileInfo, used bool, err error) {
	if n == 0 || n > uint64(f.super.inodes) {
		return nil, false, damaged(fmt.Sprintf("inode %d", n), "the file system has %d inodes", f.super.inodes)
	}
	in, err := f.inode(uint32(n))
	if err != nil {
		return nil, false, err
	}
	g := f.groupOf((n - 1) / uint64(f.super.inodesPerGroup))
	return &Info{name: fmt.Sprint(n), inode: in}, g.used(in), nil
}

// Tables gives the parts of the inode tables that were ever used, as far as they lie on the image.
func (f *FS) Tables() []volume.Extent {
	var out []volume.Extent
	s := &f.super
	for group := range f.groupsOnImage() {
		d, err := f.descriptor(group)
		used := int64(s.inodesPerGroup-min(d.unused, s.inodesPerGroup)) * s.inodeSize
		if err != nil || used == 0 || d.flags&inodesUninit != 0 || d.table == 0 || d.table >= s.blocks {
			continue
		}
		at := int64(d.table) * s.blockSize
		if n := len(out) - 1; n >= 0 && out[n].Physical+out[n].Length == at {
			out[n].Length += used
			continue
		}
		out = append(out, volume.Extent{Physical: at, Length: used})
	}
	return out
}

// groupInUse is what is known of a group's inodes.
type groupInUse struct {
	first  uint32 // its first inode
	never  uint32 // from this one on, none was ever used
	bitmap []byte // nil where it cannot be read
}

func (f *FS) groupOf(group uint64) groupInUse {
	per := f.super.inodesPerGroup
	g := groupInUse{first: uint32(group)*per + 1}
	g.never = g.first + per
	d, err := f.descriptor(group)
	if err != nil {
		return g
	}
	g.never -= min(d.unused, per)
	if d.flags&inodesUninit != 0 {
		g.never = g.first
	}
	if d.inodeBitmap != 0 && d.inodeBitmap < f.super.blocks && g.never > g.first {
		g.bitmap, _ = f.dev.block(d.inodeBitmap) // an unreadable one leaves the links to tell
	}
	return g
}

func (g groupInUse) used(in *Inode) bool {
	if in.Mode == 0 || in.Number >= g.never {
		return false
	}
	bit := in.Number - g.first
	if int(bit/8) >= len(g.bitmap) {
		return in.Links > 0
	}
	return g.bitmap[bit/8]>>(bit%8)&1 != 0
}

// EachInode visits the inodes in use that are a user's, in the order of their numbers: group by group, as they lie on the
// disk. What a hostile superblock adds to the image's length is not visited.
func (f *FS) EachInode(do func(n uint64, info fs.FileInfo, err error) error) error {
	left := f.dev.size / f.super.blockSize // blocks of tables: no block belongs to two
	for group := range f.groupsOnImage() {
		if left -= f.super.tableBlocks(); left < 0 {
			return do(group*uint64(f.super.inodesPerGroup)+1, nil, damaged("inode tables", "they are longer than the image"))
		}
		if err := f.groupInodes(group, do); err != nil {
			return err
		}
	}
	return nil
}

func (f *FS) groupInodes(group uint64, do func(uint64, fs.FileInfo, error) error) error {
	g := f.groupOf(group)
	reserved := f.firstUser()
	for n := g.first; n < g.never && n <= f.super.inodes; n++ {
		if n != RootInode && n < reserved {
			continue
		}
		in, err := f.inode(n)
		if err != nil {
			if err := do(uint64(n), nil, err); err != nil {
				return err
			}
			continue
		}
		if !g.used(in) {
			continue
		}
		if err := do(uint64(n), &Info{name: fmt.Sprint(n), inode: in}, nil); err != nil {
			return err
		}
	}
	return nil
}
