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
	names  volume.Listing // of all the directories, each in its own order
	said   []byte         // the types that the directories give
	links  map[int]string // targets, by index
	places []inodePlace
	buffer []byte
}

const usualRecords = 8 // of a directory

func (f *FS) newBulk(dirs, most int) *bulk {
	b := &bulk{fs: f, most: most, links: map[int]string{}}
	b.names.Records = make([]volume.Record, 0, dirs*min(usualRecords, most))
	b.names.Text = make([]byte, 0, dirs*min(usualRecords, most)*24)
	return b
}

// Root gives the root directory as the one record of a list.
func (f *FS) Root() *volume.Listing {
	b := f.newBulk(1, 1)
	b.add(entry{name: ".", inode: f.super.root})
	if _, err := f.inode(f.super.root); err != nil {
		b.names.Wrong(0, &fs.PathError{Op: "walk", Path: ".", Err: err})
		return &b.names
	}
	b.stats()
	return &b.names
}

// List reads directories and gives a list for each, in the order of names.
func (f *FS) List(dirs []uint64, most int) []*volume.Listing {
	b := f.newBulk(len(dirs), most)
	problems, ends := make([]string, len(dirs)), make([]int, len(dirs))
	for i, n := range dirs {
		problems[i] = b.list(n)
		ends[i] = len(b.names.Records)
	}
	b.stats()
	out, from := make([]*volume.Listing, len(dirs)), 0
	for i := range dirs {
		out[i] = b.names.Sorted(from, ends[i], func(at int) string { return b.links[at] })
		out[i].Problem, from = problems[i], ends[i]
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

func (b *bulk) add(e entry) {
	b.places = append(b.places, inodePlace{inode: e.inode, index: int32(len(b.names.Records))})
	b.names.Add([]byte(e.name))
	b.said = append(b.said, e.kind)
}

// list takes the names of a directory and says what is wrong with it.
func (b *bulk) list(n uint64) (problem string) {
	in, err := b.fs.inode(n)
	if err != nil {
		return err.Error()
	}
	left, first := b.fs.room(), len(b.names.Records)
	err = b.fs.eachEntry(in, &left.blocks, func(e entry) (bool, error) {
		if !left.take(e.name) {
			return false, b.fs.tooMany(in)
		}
		if len(b.names.Records)-first >= b.most {
			return false, damaged(fmt.Sprintf("inode %d", n), "of its entries only the first %d are listed: more do not fit in the memory that was allowed", b.most)
		}
		b.add(e)
		return true, nil
	})
	if err != nil {
		return err.Error()
	}
	return ""
}

var _ volume.Bulk = (*FS)(nil)
