// Package partition finds the file systems of a disk: one on the whole disk, or in the partitions of a GPT or an MBR. It
// names what it finds and reads no file system itself.
package partition

import (
	"cmp"
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

	RAID      Kind = "Linux RAID" // whose members hold a file system together
	BitLocker Kind = "BitLocker"
	NTFS      Kind = "NTFS"
	Squashfs  Kind = "SquashFS"
	EROFS     Kind = "EROFS"
	Verity    Kind = "dm-verity hashes" // of another partition, as Bottlerocket has them
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

const maxParts = 256 // more than any tool makes

// Find lists the parts of a disk in the order of their place. Where the whole disk looks like a file system and holds a
// partition table too, both are listed, the whole disk first: an attacker can write either over the other. A damaged
// table is an error that names its place; what could be read comes along with it.
func Find(r io.ReaderAt, size int64) ([]Part, error) {
	var whole []Part
	if kind := detect(r, 0, size); kind != Unknown && kind != FAT {
		whole = []Part{{Size: size, Kind: kind}}
	}
	parts, err := table(r, size)
	for i := range parts {
		parts[i].Kind = detect(r, parts[i].Offset, parts[i].Size)
	}
	slices.SortFunc(parts, func(a, b Part) int { return cmp.Compare(a.Offset, b.Offset) })
	return append(whole, parts...), err
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

// Reader reads one part of a disk.
func Reader(r io.ReaderAt, p Part) *io.SectionReader { return io.NewSectionReader(r, p.Offset, p.Size) }
