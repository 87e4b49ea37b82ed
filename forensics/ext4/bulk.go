package ext4

import (
	"fmt"
	"io/fs"

	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// bulk reads directories that lie close to each other: first all their names, then all their inodes in the order of the
// disk. What is not as usual in any way is read again as Walk reads it, which knows what to say about it.
type bulk struct {
	fs     *FS
	most   int
	names  []volume.Listing    // of each directory, in its own order
	said   [][]byte            // the types that the directories give
	links  map[[2]int32]string // targets, by directory and index
	places []inodePlace
	buffer []byte
}

// Root gives the root directory as the one record of a list.
func (f *FS) Root() *volume.Listing {
	b := &bulk{fs: f, most: 1}
	b.begin(1)
	b.add(0, []byte("."), RootInode, 0)
	if _, err := f.inode(RootInode); err != nil {
		b.names[0].Wrong(0, &fs.PathError{Op: "walk", Path: ".", Err: err})
		return &b.names[0]
	}
	b.stats()
	return &b.names[0]
}

// List reads directories and gives a list for each, in the order of names.
func (f *FS) List(dirs []uint64, most int) []*volume.Listing {
	b := &bulk{fs: f, most: most}
	b.begin(len(dirs))
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
	if n > uint64(f.super.inodes) {
		return nil, fs.ErrNotExist
	}
	in, err := f.inode(uint32(n))
	if err != nil {
		return nil, err
	}
	return &File{fs: f, info: &Info{inode: in}}, nil
}

// ReadDisk reads from anywhere on the file system, as it is after the replay.
func (f *FS) ReadDisk(p []byte, at int64) error {
	if at < 0 {
		return fs.ErrInvalid
	}
	return f.dev.readRun(uint64(at/f.super.blockSize), at%f.super.blockSize, p)
}

func (b *bulk) begin(dirs int) {
	b.names, b.said, b.links = make([]volume.Listing, dirs), make([][]byte, dirs), map[[2]int32]string{}
}

func (b *bulk) add(dir int, name []byte, inode uint32, kind byte) {
	l := &b.names[dir]
	b.places = append(b.places, inodePlace{inode: inode, dir: int32(dir), index: int32(len(l.Records))})
	l.Add(name)
	b.said[dir] = append(b.said[dir], kind)
}

// forget takes back what was added of a directory.
func (b *bulk) forget(dir int) {
	b.places = b.places[:len(b.places)-len(b.names[dir].Records)]
	b.names[dir], b.said[dir] = volume.Listing{}, nil
}

func (b *bulk) list(dir int, n uint64) {
	in, err := b.fs.inode(uint32(n))
	if err != nil {
		b.names[dir].Problem = err.Error()
		return
	}
	if b.quick(dir, in) {
		return
	}
	b.forget(dir)
	left := b.fs.room()
	left.entries = min(left.entries, b.most)
	entries, err := b.fs.list(in, &left)
	for _, e := range entries {
		d := e.(*dirEntry)
		b.add(dir, []byte(d.name), d.inode, d.kind)
	}
	if err != nil {
		b.names[dir].Problem = err.Error()
	}
	if len(entries) == b.most {
		b.names[dir].Problem = fmt.Sprintf("inode %d: of its entries only the first %d are listed: more do not fit in the memory that was allowed", n, b.most)
	}
}
