package ext4

import (
	"encoding/binary"
	"errors"
	"fmt"
)

const (
	flagVerity     = 0x100000
	incompatVerity = 0x8000 // a feature of the kind that does not keep a kernel from reading
	incompatCrypt  = 0x10000
)

// doubts says why the kernel would refuse an inode that a directory names, though it can be read here. The checks are
// those of __ext4_iget and what it calls.
func (f *FS) doubts(in *Inode) error {
	const unusual = flagEAInode | flagEncrypted | flagVerity | flagInlineData
	mapWrong := f.mapDoubts(in)
	if in.wrong == nil && mapWrong == nil && in.Flags&unusual == 0 && in.Links != 0 && in.attributes < f.super.blocks && (in.Size != 0 || !in.isLink()) {
		return nil // as nearly all are: nothing is allocated
	}
	errs := []error{in.wrong}
	say := func(wrong bool, format string, args ...any) {
		if wrong {
			errs = append(errs, damaged(fmt.Sprintf("inode %d", in.Number), format, args...))
		}
	}
	s := &f.super
	say(in.Links == 0, "it has a name and no links: it was deleted")
	say(in.Flags&flagEAInode != 0, "it has a name, though it is for the value of an attribute")
	say(in.attributes >= s.blocks, "its attributes are in block %d of %d", in.attributes, s.blocks)
	say(in.Encrypted() && s.incompat&incompatCrypt == 0, "it is marked as encrypted in a file system without encryption")
	say(in.Flags&flagVerity != 0 && s.roCompat&incompatVerity == 0, "it is marked as verified in a file system without that")
	say(in.inline() && s.incompat&incompatInlineData == 0, "it has inline data in a file system without that")
	if _, found := f.inlineRest(in); in.inline() && !found {
		say(true, "it has inline data without the attribute that belongs to them")
	}
	say(in.isLink() && in.Size == 0, "it is a link to nowhere")
	say(mapWrong != nil, "%w", mapWrong)
	return errors.Join(errs...)
}

// mapDoubts looks at what the inode itself says about where its bytes lie.
func (f *FS) mapDoubts(in *Inode) error {
	switch {
	case in.inline() || !in.isRegular() && !in.isDir() && (!in.isLink() || f.fastLink(in)):
		return nil
	case in.Flags&flagExtents == 0:
		for i := 0; i < len(in.data); i += 4 {
			at := uint64(binary.LittleEndian.Uint32(in.data[i:]))
			switch {
			case at >= f.super.blocks:
				return fmt.Errorf("it points to block %d of %d", at, f.super.blocks)
			case at != 0 && f.inZone(at, 1):
				return fmt.Errorf("it points to block %d, where the file system has its own", at)
			}
		}
		return nil
	}
	entries, depth, err := extentNode(in.data[:], maxDepth+1)
	for i := 0; err == nil && depth == 0 && i < len(entries); i += 12 {
		length, start := extentLength(entries[i:]), extentStart(entries[i:])
		switch {
		case start == 0 || start+length > f.super.blocks:
			err = fmt.Errorf("%d blocks from block %d on, of %d", length, start, f.super.blocks)
		case f.inZone(start, length):
			err = fmt.Errorf("%d blocks from block %d on, where the file system has its own", length, start)
		}
	}
	if err != nil {
		return fmt.Errorf("extent tree: %w", err)
	}
	return nil
}

func extentLength(e []byte) uint64 {
	length := uint64(binary.LittleEndian.Uint16(e[4:]))
	if length > maxWritten {
		length -= maxWritten
	}
	return length
}

func extentStart(e []byte) uint64 {
	return uint64(binary.LittleEndian.Uint32(e[8:])) | uint64(binary.LittleEndian.Uint16(e[6:]))<<32
}
