package xfs

import (
	"fmt"
	"io/fs"

	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// bulk reads directories that lie close to each other: first all their names, then all their inodes in the order of the
// disk. It says what Walk says.
type bulk struct {
	fs     *FS
	most   int
	names  []volume.Listing    // of each directory, in its own order
	said   [][]byte            // the types that the directories give
	links  map[[2]int32]string // targets, by directory and index
	places []inodePlace
	buffer []byte
}

func (f *FS) newBulk(dirs, most int) *bulk {
	return &bulk{fs: f, most: most, names: make([]volume.Listing, dirs), said: make([][]byte, dirs), links: map[[2]int32]string{}}
}

// Root gives the root directory as the one record of a list.
func (f *FS) Root() *volume.Listing {
	b := f.newBulk(1, 1)
	b.add(0, entry{name: ".", inode: f.super.root})
	if _, err := f.inode(f.super.root); err != nil {
		b.names[0].Wrong(0, &fs.PathError{Op: "walk", Path: ".", Err: err})
		return &b.names[0]
	}
	b.stats()
	return &b.names[0]
}

// List reads directories and gives a list for each, in the order of names.
func (f *FS) List(dirs []uint64, most int) []*volume.Listing {
	b := f.newBulk(len(dirs), most)
	for i, n := range dirs {
		b.list(i, n)
	}
	b.stats()
	out := make([]*volume.Listing, len(dirs))
	for i := range dirs {
		out[i] = b.names[i].Sorted(func(index int) string { return b.links[[2]int32{int32(i), int32(index)}] })
	}
	return out
}

// OpenInode opens a regular file by the number of its inode.
func (f *FS) OpenInode(n uint64) (volume.File, error) {
	in, err := f.inode(n)
	if err != nil {
		return nil, err
	}
	return &File{fs: f, info: &Info{inode: in}}, nil
}

// ReadDisk reads from anywhere on the file system, as it is after the replay.
func (f *FS) ReadDisk(p []byte, at int64) error { return f.dev.read(at, p) }

func (b *bulk) add(dir int, e entry) {
	l := &b.names[dir]
	b.places = append(b.places, inodePlace{inode: e.inode, dir: int32(dir), index: int32(len(l.Records))})
	l.Add([]byte(e.name))
	b.said[dir] = append(b.said[dir], e.kind)
}

func (b *bulk) list(dir int, n uint64) {
	l := &b.names[dir]
	in, err := b.fs.inode(n)
	if err != nil {
		l.Problem = err.Error()
		return
	}
	left := b.fs.room()
	err = b.fs.eachEntry(in, &left.blocks, func(e entry) (bool, error) {
		if !left.take(e.name) {
			return false, b.fs.tooMany(in)
		}
		if len(l.Records) >= b.most {
			return false, damaged(fmt.Sprintf("inode %d", n), "of its entries only the first %d are listed: more do not fit in the memory that was allowed", b.most)
		}
		b.add(dir, e)
		return true, nil
	})
	if err != nil {
		l.Problem = err.Error()
	}
}

var _ volume.Bulk = (*FS)(nil)
