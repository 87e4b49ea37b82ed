package ext4

import (
	"fmt"
)

const (
	inlineInside = 60     // bytes of inline data that stand where others have their blocks
	inlineRest   = "data" // the system attribute with those behind them
)

// inlineData gives the bytes that an inode holds in place of blocks: sixty, and then the rest, where there is one. A file
// uses as many of them as its size says, a directory all.
func (f *FS) inlineData(in *Inode) ([]byte, error) {
	rest, found := f.inlineRest(in)
	if !found && in.Size > inlineInside {
		return nil, damaged(fmt.Sprintf("inode %d", in.Number), "the attribute with the rest of its inline data is missing")
	}
	data := append(append(make([]byte, 0, inlineInside+len(rest)), in.data[:]...), rest...)
	if in.isDir() {
		return data, nil
	}
	return data[:min(int64(len(data)), in.Size)], nil
}

// inlineRest looks in the inode alone, as ext4_find_inline_data_nolock does.
func (f *FS) inlineRest(in *Inode) (rest []byte, found bool) {
	body := in.bodyXattrs()
	_ = f.eachXattr(in, body, body, func(e xattr, err error) {
		if err == nil && !found && e.index == xattrSystem && e.name == inlineRest {
			rest, found = e.value, true
		}
	})
	return rest, found
}
