package image

import (
	"context"
	"io/fs"

	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// prefetcher is a disk that can be told what will be read, such as *block.Reader.
type prefetcher interface {
	Prefetch(off, length int64)
	Remote() bool
}

const (
	maxDirPieces = 64      // of one directory that is read ahead
	maxDirAhead  = 4 << 20 // bytes of it
)

// ReadAhead tells a disk that is read over a network what a walk through its file systems will need: the tables of inodes
// and then all directories, each in the order of the disk instead of one after the other has been waited for. It comes
// back when all was asked for; run it beside the walk. On other disks it does nothing. What cannot be read is passed
// over: the walk itself will say so.
func (i *Image) ReadAhead(ctx context.Context) {
	for _, v := range i.Volumes {
		disk, able := v.disk.(prefetcher)
		known, told := v.FS.(volume.Layout)
		if able && told && disk.Remote() {
			ahead{ctx, disk, known, v.Part.Offset}.run()
		}
	}
}

// ahead reads one file system ahead.
type ahead struct {
	ctx   context.Context
	disk  prefetcher
	known volume.Layout
	start int64 // of the file system on the disk
}

func (a ahead) run() {
	for _, e := range a.known.Tables() {
		a.disk.Prefetch(a.start+e.Physical, e.Length)
	}
	_ = a.known.EachInode(func(_ uint64, info fs.FileInfo, err error) error { // ends early when ctx does
		if err == nil && info.IsDir() {
			a.directory(info)
		}
		return a.ctx.Err()
	})
}

func (a ahead) directory(info fs.FileInfo) {
	owned, _ := a.known.Owned(info, maxDirPieces) // with an error, some come along
	left := int64(maxDirAhead)
	for _, o := range owned {
		if left -= o.Length; left >= 0 {
			a.disk.Prefetch(a.start+o.Physical, o.Length)
		}
	}
}
