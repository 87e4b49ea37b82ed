package ext4

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/firebreak-ir/firebreak/forensics/volume"
)

const (
	maxOrphans     = 1 << 20
	orphanMagic    = 0x0B10CA04 // ends each block of the file of orphans
	orphanTail     = 8
	orphanNextByte = 0x14 // of an inode in the list: the next one, where others have the time of their deletion
)

// Orphans gives the inodes that fs/ext4/orphan.c deals with at the next mount: the list that begins in the superblock and,
// where there is one, the file of orphans.
func (f *FS) Orphans() ([]volume.Orphan, error) {
	numbers, listErr := f.orphanList()
	more, fileErr := f.orphansInFile()
	numbers = append(numbers, more...)
	slices.Sort(numbers)
	errs := []error{listErr, fileErr}
	var out []volume.Orphan
	for _, n := range slices.Compact(numbers) {
		in, err := f.inode(n)
		if err != nil {
			errs = append(errs[:min(len(errs), maxErrors)], fmt.Errorf("orphan: %w", err))
			continue
		}
		in.Deleted = time.Time{}
		out = append(out, volume.Orphan{Info: &Info{name: fmt.Sprintf("#%d", n), inode: in}, Deleted: in.Links == 0})
	}
	return out, errors.Join(errs...)
}

// orphanList follows the list, each of whose inodes names the next.
func (f *FS) orphanList() (numbers []uint32, err error) {
	seen := map[uint32]bool{}
	for n := f.super.lastOrphan; n != 0; {
		if seen[n] || len(seen) == maxOrphans {
			return numbers, damaged("list of orphans", "it goes on with inode %d after %d inodes", n, len(seen))
		}
		seen[n] = true
		b, err := f.rawInode(n)
		if err != nil {
			return numbers, fmt.Errorf("list of orphans: %w", err)
		}
		numbers = append(numbers, n)
		n = binary.LittleEndian.Uint32(b[orphanNextByte:])
	}
	return numbers, nil
}

// orphansInFile reads the file of orphans, whose blocks are full of inodes' numbers with zeros between them.
func (f *FS) orphansInFile() (numbers []uint32, err error) {
	if f.super.compat&compatOrphanFile == 0 || f.super.orphanFile == 0 {
		return nil, nil
	}
	in, err := f.inode(f.super.orphanFile)
	if err != nil {
		return nil, fmt.Errorf("file of orphans: %w", err)
	}
	var errs []error
	bs := f.super.blockSize
	for n := uint64(0); int64(n) < min(in.Size/bs, 4*maxOrphans/bs) && len(numbers) < maxOrphans; n++ {
		found, err := f.orphanBlock(in, n)
		if numbers = append(numbers, found...); err != nil && len(errs) < maxErrors {
			errs = append(errs, err)
		}
	}
	return numbers, errors.Join(errs...)
}

func (f *FS) orphanBlock(in *Inode, n uint64) (numbers []uint32, err error) {
	place := fmt.Sprintf("file of orphans, block %d", n)
	r, err := f.runAt(in, n)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", place, err)
	}
	if r.physical == 0 {
		return nil, damaged(place, "is a hole")
	}
	b, err := f.dev.block(r.physical)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", place, err)
	}
	le := binary.LittleEndian
	list, tail := b[:len(b)-orphanTail], b[len(b)-orphanTail:]
	if le.Uint32(tail) != orphanMagic {
		return nil, damaged(place, "magic %#x", le.Uint32(tail))
	}
	seed := crc32c(f.super.inodeSeed(in.Number, in.Generation), le.AppendUint64(nil, r.physical))
	if f.super.hasSums() && crc32c(seed, list) != le.Uint32(tail[4:]) {
		err = damaged(place, "%w", errSum)
	}
	for ; len(list) >= 4; list = list[4:] {
		if n := le.Uint32(list); n != 0 {
			numbers = append(numbers, n)
		}
	}
	return numbers, err
}

var _ volume.Orphanage = (*FS)(nil)
