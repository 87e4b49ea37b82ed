package timeline

import (
	"bufio"
	"io"
	"strconv"
	"time"

	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// Body writes a body file (The Sleuth Kit 3.x) as `fls -r -m MOUNT` does, for mactime and plaso: one entry a line,
//
//	MD5|name|inode|mode|UID|GID|size|atime|mtime|ctime|crtime
//
// MD5 is always 0: SHA-256 has no field there. Times are whole seconds, 0 where the image does not say; mactime leaves out
// those before 1970. Where fls differs, it is for the kernel's sake: names are escaped (see appendBodyName; fls writes | as
// it is, which breaks the line, and signs that cannot be shown as ^), times are not cut to 32 bits, links that do not fit in
// their inodes have their targets, the root is listed, and what was deleted is not.
type Body struct {
	to    *bufio.Writer
	mount string
	line  []byte
}

// NewBody writes to w, with mount before every path: "/" for a disk that is mounted there.
func NewBody(w io.Writer, mount string) *Body {
	return &Body{to: bufio.NewWriterSize(w, 256<<10), mount: mount, line: make([]byte, 0, 8<<10)}
}

// Add writes one entry. path is as Walk gives it, target where a link leads.
func (b *Body) Add(path, target string, stat *volume.Stat) error {
	b.line = AppendBody(b.line[:0], b.mount, path, target, stat)
	_, err := b.to.Write(b.line)
	return err
}

// Flush writes what is still held back.
func (b *Body) Flush() error { return b.to.Flush() }

// AppendBody appends the line of one entry, its newline included, and allocates nothing where dst has room.
func AppendBody(dst []byte, mount, path, target string, stat *volume.Stat) []byte {
	dst = append(dst, "0|"...)
	dst = appendBodyName(dst, mount)
	if path != "." {
		if mount != "" && mount[len(mount)-1] != '/' {
			dst = append(dst, '/')
		}
		dst = appendBodyName(dst, path)
	}
	if stat.Mode&volume.TypeMask == volume.TypeLink {
		dst = append(dst, " -> "...)
		dst = appendBodyName(dst, target)
	}
	dst = append(dst, '|')
	dst = strconv.AppendUint(dst, stat.Inode, 10)
	dst = append(dst, '|')
	dst = appendMode(dst, stat.Mode)
	dst = append(dst, '|')
	dst = strconv.AppendUint(dst, uint64(stat.UID), 10)
	dst = append(dst, '|')
	dst = strconv.AppendUint(dst, uint64(stat.GID), 10)
	dst = append(dst, '|')
	dst = strconv.AppendInt(dst, stat.Size, 10)
	for _, at := range [...]time.Time{stat.Accessed, stat.Modified, stat.Changed, stat.Created} {
		dst = append(dst, '|')
		dst = appendSeconds(dst, at)
	}
	return append(dst, '\n')
}

func appendSeconds(dst []byte, at time.Time) []byte {
	if at.IsZero() {
		return append(dst, '0')
	}
	return strconv.AppendInt(dst, at.Unix(), 10)
}

// appendMode writes the type twice, as the directory and as the inode say it (here the inode's counts), and the
// permissions as ls does. A socket is s in the one and h in the other.
func appendMode(dst []byte, mode uint32) []byte {
	name, meta := typeSigns(mode)
	dst = append(dst, name, '/', meta)
	dst = appendBits(dst, mode>>6, mode&0o4000 != 0, 's', 'S')
	dst = appendBits(dst, mode>>3, mode&0o2000 != 0, 's', 'S')
	return appendBits(dst, mode, mode&0o1000 != 0, 't', 'T')
}

func typeSigns(mode uint32) (name, meta byte) {
	switch mode & volume.TypeMask {
	case volume.TypeRegular:
		return 'r', 'r'
	case volume.TypeDir:
		return 'd', 'd'
	case volume.TypeLink:
		return 'l', 'l'
	case volume.TypeChar:
		return 'c', 'c'
	case volume.TypeBlock:
		return 'b', 'b'
	case volume.TypeFIFO:
		return 'p', 'p'
	case volume.TypeSocket:
		return 's', 'h'
	}
	return '-', '-' // its inode could not be read
}

// appendBits writes three permissions, the last one with the bit that shares its place.
func appendBits(dst []byte, bits uint32, special bool, with, without byte) []byte {
	sign := func(bit uint32, is byte) byte {
		if bits&bit != 0 {
			return is
		}
		return '-'
	}
	last := sign(1, 'x')
	switch {
	case special && bits&1 != 0:
		last = with
	case special:
		last = without
	}
	return append(dst, sign(4, 'r'), sign(2, 'w'), last)
}
