package xfs

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// leafBytes is where in a directory the index of its names begins; the entries lie before it.
const leafBytes = 32 << 30

// entry is one name in a directory.
type entry struct {
	name  string
	inode uint64
	kind  byte // as the directory says; zero when it does not
}

// find gives the inode of a name in a directory.
func (f *FS) find(in *Inode, name string) (uint64, error) {
	var found uint64
	left := f.room()
	err := f.eachEntry(in, &left.blocks, func(e entry) (bool, error) {
		if e.name == name || f.super.folded() && fold(e.name) == fold(name) {
			found = e.inode
		}
		return found == 0, nil
	})
	if found != 0 {
		return found, nil
	}
	return 0, errors.Join(fs.ErrNotExist, err)
}

// fold makes the letters of ASCII and Latin-1 small, as xfs_ascii_ci_xfrm does.
func fold(name string) string {
	b := []byte(name)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' || c >= 0xC0 && c <= 0xDE && c != 0xD7 {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// eachEntry calls do for each name until it says no. A damaged block is reported at the end; the blocks after it are read,
// as many as are left.
func (f *FS) eachEntry(in *Inode, left *int64, do func(entry) (bool, error)) error {
	if in.data.format == formatLocal {
		return f.eachShort(in, do)
	}
	var errs []error
	per, seen := uint64(1)<<f.super.dirLog, map[uint64]struct{}{}
	for n := uint64(0); n < uint64(leafBytes/f.super.blockSize); {
		r, err := f.runAt(in, &in.data, n)
		if err != nil {
			return errors.Join(append(errs, err)...)
		}
		if r.physical == 0 {
			n = roundUp(n+r.blocks, per)
			continue
		}
		if *left -= int64(per); *left < 0 {
			return errors.Join(append(errs, damaged(fmt.Sprintf("inode %d", in.Number), "the directory is larger than any real one"))...)
		}
		more, err := f.dirBlock(in, n, r, seen, do)
		if !more {
			return errors.Join(append(errs, err)...)
		}
		if err != nil && len(errs) < maxErrors {
			errs = append(errs, err)
		}
		n += per
	}
	return errors.Join(errs...)
}

// roundUp gives the next multiple of a power of two.
func roundUp(n, to uint64) uint64 { return (n + to - 1) &^ (to - 1) }

// dirBlock reads one block of a directory, once; more is false when do wants no more.
func (f *FS) dirBlock(in *Inode, n uint64, r run, seen map[uint64]struct{}, do func(entry) (bool, error)) (more bool, err error) {
	place := fmt.Sprintf("inode %d, directory block %d", in.Number, n)
	if _, again := seen[r.physical]; again {
		return true, damaged(place, "block %d of the disk is in the directory twice", r.physical)
	}
	seen[r.physical] = struct{}{}
	b, err := f.dirBytes(in, n, r)
	if err != nil {
		return true, fmt.Errorf("%s: %w", place, err)
	}
	whole := f.checkDir(in, r, b)
	if whole != nil {
		whole = &DamageError{Place: place, Err: whole}
	}
	more, err = f.eachIn(b, place, do)
	return more, errors.Join(whole, err)
}

// dirBytes puts a directory's block together, which may lie in pieces.
func (f *FS) dirBytes(in *Inode, n uint64, r run) ([]byte, error) {
	bs, per := f.super.blockSize, uint64(1)<<f.super.dirLog
	if r.blocks >= per {
		return f.dev.bytes(int64(r.physical)*bs, int(f.super.dirSize()))
	}
	b := make([]byte, f.super.dirSize())
	for at := 0; at < len(b); {
		got, err := f.readStretch(in, &in.data, b[at:], int64(n)*bs+int64(at))
		if err != nil {
			return nil, err
		}
		at += got
	}
	return b, nil
}

// checkDir verifies a block's checksum, and that it is this directory's. Of a block in pieces, the log may have changed any.
func (f *FS) checkDir(in *Inode, r run, b []byte) error {
	at := int64(r.physical) * f.super.blockSize
	if !f.super.checksums() || r.blocks < uint64(1)<<f.super.dirLog && f.replay.Blocks > 0 {
		return nil
	}
	err := f.checkSum(at, b, 4)
	if owner := binary.BigEndian.Uint64(b[40:]); owner != in.Number && !f.dev.replayed(at, len(b)) {
		err = errors.Join(err, fmt.Errorf("it belongs to inode %d", owner))
	}
	return err
}

// badName tells what is wrong with a name that no system call can give.
func badName(e entry) error {
	if strings.ContainsAny(e.name, "/\x00") || e.name == "" {
		return fmt.Errorf("the name %q has a byte that no name can have, or none; it is of inode %d", e.name, e.inode)
	}
	return nil
}
