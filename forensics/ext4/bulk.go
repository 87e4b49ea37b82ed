package ext4

import (
	"fmt"
	"io/fs"
	"slices"

	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// bulk reads directories that lie close to each other: first all their names, then all their inodes in the order of the
// disk. What is not as usual in any way is read again as Walk reads it, which knows what to say about it.
type bulk struct {
	fs     *FS
	most   int
	names  volume.Listing // of all the directories, each in its own order
	said   []byte         // the types that the directories give
	first  int            // record of the directory that is read
	links  map[int]string // targets, by index
	places []inodePlace
	buffer []byte
	group  uint64 // whose inode table is table
	table  uint64 // zero where none is known
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
	b.add([]byte("."), RootInode, 0)
	if _, err := f.inode(RootInode); err != nil {
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
	b.directories(dirs, func(i int, n uint32, in *Inode) {
		problems[i] = b.list(n, in)
		ends[i] = len(b.names.Records)
	})
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

func (b *bulk) add(name []byte, inode uint32, kind byte) {
	b.places = append(b.places, inodePlace{inode: inode, index: int32(len(b.names.Records))})
	b.names.Add(name)
	b.said = append(b.said, kind)
}

// forget takes back what was added of the directory that is read.
func (b *bulk) forget() {
	b.names.Cut(b.first)
	b.places, b.said = b.places[:b.first], b.said[:b.first]
}

// directories reads the inodes of directories and calls do for each, in their order; one that must be looked at more
// closely is nil.
func (b *bulk) directories(dirs []uint64, do func(i int, n uint32, in *Inode)) {
	inodes := make([]*Inode, len(dirs))
	places := make([]inodePlace, len(dirs))
	for i, n := range dirs {
		places[i] = inodePlace{inode: uint32(n), index: int32(i)}
	}
	b.eachInode(places, func(at inodePlace, in *Inode) {
		if in == nil || in.wrong != nil {
			return
		}
		kept := *in
		kept.extra = slices.Clone(in.extra) // which the next read overwrites
		inodes[at.index] = &kept
	})
	for i, n := range dirs {
		do(i, uint32(n), inodes[i])
	}
}

// list takes the names of a directory and says what is wrong with it.
func (b *bulk) list(n uint32, in *Inode) (problem string) {
	b.first = len(b.names.Records)
	if in != nil && b.quick(in) {
		return ""
	}
	b.forget()
	in, err := b.fs.inode(n)
	if err != nil {
		return err.Error()
	}
	left := b.fs.room()
	left.entries = min(left.entries, b.most+1)
	entries, err := b.fs.list(in, &left)
	for _, e := range entries[:min(len(entries), b.most)] {
		d := e.(*dirEntry)
		b.add([]byte(d.name), d.inode, d.kind)
	}
	switch {
	case len(entries) > b.most:
		return fmt.Sprintf("inode %d: of its entries only the first %d are listed: more do not fit in the memory that was allowed", n, b.most)
	case err != nil:
		return err.Error()
	}
	return ""
}
