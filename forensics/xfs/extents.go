package xfs

import (
	"fmt"
	"io/fs"

	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// Extents gives where the bytes of a regular file lie on the image. With an error, those before the damage come along.
func (f *FS) Extents(info fs.FileInfo, most int) ([]volume.Extent, error) {
	known, ok := info.(*Info)
	if !ok || known == nil || !known.inode.isRegular() {
		return nil, fs.ErrInvalid
	}
	return f.extents(known.inode, most)
}

func (f *FS) extents(in *Inode, most int) ([]volume.Extent, error) {
	var out []volume.Extent
	bs := f.super.blockSize
	for at := int64(0); at < in.Size; {
		r, err := f.runAt(in, &in.data, uint64(at/bs))
		if err != nil {
			return out, err
		}
		length := f.bytesOf(r, in.Size-at)
		if r.physical != 0 {
			if len(out) >= most {
				return out, damaged(fmt.Sprintf("inode %d", in.Number), "it lies in more than %d pieces", most)
			}
			out = append(out, volume.Extent{Logical: at, Physical: int64(r.physical) * bs, Length: length})
		}
		at += length
	}
	return out, nil
}
