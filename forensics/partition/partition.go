// Package partition finds the file systems of a disk: one on the whole disk, or in the partitions of a GPT or an MBR. It
// names what it finds and reads no file system itself.
package partition

import (
	"errors"
	"fmt"
	"io"
	"slices"
)

// Kind is what a partition holds, as its first bytes tell.
type Kind string

// The kinds that are told apart.
const (
	Ext4    Kind = "ext4" // also ext2 and ext3, which are read alike
	XFS     Kind = "XFS"
	LVM     Kind = "LVM"
	LUKS    Kind = "LUKS"
	Btrfs   Kind = "Btrfs"
	FAT     Kind = "FAT"
	Swap    Kind = "swap"
	Unknown Kind = "unknown"
)

// Part is one stretch of a disk.
type Part struct {
	Number int    `json:"number"` // as the kernel counts; zero is the whole disk
	Offset int64  `json:"offset"` // in bytes
	Size   int64  `json:"size"`
	Name   string `json:"name,omitempty"` // as the GPT says: an attacker's words
	Kind   Kind   `json:"kind"`
}

// String says where the part lies and what it is.
func (p Part) String() string {
	if p.Number == 0 {
		return fmt.Sprintf("whole disk: %s", p.Kind)
	}
	return fmt.Sprintf("partition %d at byte %d: %s", p.Number, p.Offset, p.Kind)
}

// UnsupportedError is a disk on which nothing can be read offline yet. Parts says what was found instead.
type UnsupportedError struct{ Parts []Part }

// Error names what was found.
func (e *UnsupportedError) Error() string {
	if len(e.Parts) == 0 {
		return "no partition table and no known file system on the disk"
	}
	text := "no ext4 file system on the disk; found "
	for i, p := range e.Parts {
		if i > 0 {
			text += ", "
		}
		text += p.String()
	}
	return text
}

const maxParts = 256 // more than any tool makes

// Find lists the parts of a disk in the order of their place. A damaged table is an error that names its place.
func Find(r io.ReaderAt, size int64) ([]Part, error) {
	if kind := detect(r, 0, size); kind != Unknown && kind != FAT {
		return []Part{{Size: size, Kind: kind}}, nil
	}
	parts, err := table(r, size)
	if err != nil {
		return nil, err
	}
	for i := range parts {
		parts[i].Kind = detect(r, parts[i].Offset, parts[i].Size)
	}
	slices.SortFunc(parts, func(a, b Part) int { return int(min(max(a.Offset-b.Offset, -1), 1)) })
	return parts, nil
}

func table(r io.ReaderAt, size int64) ([]Part, error) {
	for _, sector := range []int64{512, 4096} {
		parts, err := readGPT(r, size, sector)
		if !errors.Is(err, errNoTable) {
			return parts, err
		}
	}
	parts, err := readMBR(r, size)
	if errors.Is(err, errNoTable) {
		return nil, nil
	}
	return parts, err
}

// Readable gives the parts that hold ext4. When there is none, the error is an *UnsupportedError.
func Readable(r io.ReaderAt, size int64) ([]Part, error) {
	parts, err := Find(r, size)
	if err != nil {
		return nil, err
	}
	var out []Part
	for _, p := range parts {
		if p.Kind == Ext4 {
			out = append(out, p)
		}
	}
	if len(out) == 0 {
		return nil, &UnsupportedError{Parts: parts}
	}
	return out, nil
}

// Reader reads one part of a disk.
func Reader(r io.ReaderAt, p Part) *io.SectionReader { return io.NewSectionReader(r, p.Offset, p.Size) }
