package xfs

import (
	"encoding/binary"
	"fmt"
)

// Parts of an inode that the log may hold.
const (
	inodeData     = 0x002 // the first fork, as it stands in the inode
	inodeExtents  = 0x004
	inodeRoot     = 0x008 // the root of its tree
	inodeDevice   = 0x010
	inodeAttrData = 0x040 // the second fork
	inodeAttrList = 0x080
	inodeAttrRoot = 0x100
	inodeOwner    = 0x200 | 0x400 // the tree changed its owner
	inodeFirst    = inodeData | inodeExtents | inodeRoot
	inodeSecond   = inodeAttrData | inodeAttrList | inodeAttrRoot
	flushMax      = 0xFFFF
	logCore4      = 96 // bytes of an inode in the log
	logCore5      = 176
)

// inodeItem is an inode that a transaction changed.
type inodeItem struct {
	fields uint32
	number uint64
	device uint32
	key    bufferKey
	offset int64 // of the inode in the buffer
}

// parseInodeItem reads a description; machines of 32 bits wrote it without padding.
func parseInodeItem(b []byte) (inodeItem, error) {
	le := binary.LittleEndian
	pad := 4
	switch len(b) {
	case 56:
	case 52:
		pad = 0
	default:
		return inodeItem{}, fmt.Errorf("an inode whose description has %d bytes", len(b))
	}
	in := inodeItem{fields: le.Uint32(b[4:]), number: le.Uint64(b[12+pad:]), device: le.Uint32(b[20+pad:])}
	in.key = bufferKey{at: int64(le.Uint64(b[36+pad:])), length: int64(int32(le.Uint32(b[44+pad:])))}
	in.offset = int64(int32(le.Uint32(b[48+pad:])))
	if in.key.at < 0 || in.key.at > 1<<54 || in.key.length <= 0 || in.key.length*sectorSize > maxBuffer || in.offset < 0 {
		return in, fmt.Errorf("inode %d at byte %d of %d sectors at sector %d", in.number, in.offset, in.key.length, in.key.at)
	}
	return in, nil
}

// inode replays one inode, unless its buffer was cancelled or what stands on the disk is newer.
func (r *replayer) inode(t *transaction, it *item) error {
	in, err := parseInodeItem(it.regions[0])
	if err != nil {
		return err
	}
	if _, ok := r.cancelled[in.key]; ok {
		r.fs.replay.Revoked++
		return nil
	}
	if in.fields&inodeOwner != 0 {
		if err := r.budget.take(regionCost); err != nil {
			return err
		}
		r.fs.reowned[in.number] = struct{}{}
	}
	place := fmt.Sprintf("log, inode %d", in.number)
	size := r.fs.super.inodeSize
	if in.offset+size > in.key.length*sectorSize || len(it.regions) < 2 {
		r.leaveOut(place, "is left out: it does not lie in its buffer, or has no core")
		return nil
	}
	off := in.key.at*sectorSize + in.offset
	b, err := r.fs.dev.fresh(off, int(size))
	if err == nil {
		var newer bool
		if newer, err = r.merge(t, &in, it.regions, b); newer {
			return nil
		}
	}
	if err != nil {
		r.leaveOut(place, "is left out: %w", err)
		return nil
	}
	return r.patchOrSay(off, b)
}

// merge changes the inode in b. It is newer when what stands on the disk must not be changed.
func (r *replayer) merge(t *transaction, in *inodeItem, regions [][]byte, b []byte) (newer bool, err error) {
	core, be := regions[1], binary.BigEndian
	want := logCore4
	if r.fs.super.checksums() {
		want = logCore5
	}
	switch {
	case be.Uint16(b) != inodeMagic:
		return false, fmt.Errorf("there is no inode at its place, it begins with %#04x", be.Uint16(b))
	case len(core) < logCore4 || len(core) > want || binary.LittleEndian.Uint16(core) != inodeMagic:
		return false, fmt.Errorf("its core of %d bytes is none", len(core))
	}
	if r.newer(t, core, b) {
		return true, nil
	}
	core = append(append([]byte{}, core...), make([]byte, want-len(core))...)
	toDisk(core, b, t.lsn)
	if in.fields&inodeDevice != 0 {
		be.PutUint32(b[r.fs.super.coreSize():], in.device)
	}
	return false, r.forks(in, regions[2:], b)
}

// newer compares the ages that both carry. Version 4 has only a counter of how often the inode was written.
func (r *replayer) newer(t *transaction, core, b []byte) bool {
	be := binary.BigEndian
	if r.fs.super.checksums() {
		age := be.Uint64(b[112:])
		return age != 0 && age != ageUnknown && age > t.lsn
	}
	disk, log := be.Uint16(b[30:]), binary.LittleEndian.Uint16(core[30:])
	wrapped := disk == flushMax && log < flushMax/2
	return log < disk && !wrapped
}

// toDisk writes the core of an inode, which the log has in the order of bytes of its machine, as the disk has it.
func toDisk(core, b []byte, lsn uint64) {
	le, be := binary.LittleEndian, binary.BigEndian
	flags2 := uint64(0)
	if core[4] == 3 {
		flags2 = le.Uint64(core[120:])
	}
	copy(b[4:6], core[4:6])
	for _, at := range []int{0, 2, 20, 22, 88, 90} {
		be.PutUint16(b[at:], le.Uint16(core[at:]))
	}
	for _, at := range []int{8, 12, 16, 72, 76, 84, 92} {
		be.PutUint32(b[at:], le.Uint32(core[at:]))
	}
	for _, at := range []int{56, 64} {
		be.PutUint64(b[at:], le.Uint64(core[at:]))
	}
	for _, at := range []int{32, 40, 48} {
		timeToDisk(core[at:], b[at:], flags2)
	}
	be.PutUint16(b[6:], 0)
	copy(b[82:84], core[82:84])
	be.PutUint16(b[80:], le.Uint16(core[80:])) // of the extents of the second fork; padding with large counts
	if flags2&flag2LargeCount != 0 {
		be.PutUint64(b[24:], le.Uint64(core[24:]))
	} else {
		clear(b[24:32])
	}
	if core[4] == 3 {
		be.PutUint64(b[104:], le.Uint64(core[104:]))
		be.PutUint64(b[112:], lsn)
		be.PutUint64(b[120:], flags2)
		be.PutUint32(b[128:], le.Uint32(core[128:]))
		timeToDisk(core[144:], b[144:], flags2)
		be.PutUint64(b[152:], le.Uint64(core[152:]))
		copy(b[160:176], core[160:176])
	}
}

func timeToDisk(core, b []byte, flags2 uint64) {
	le, be := binary.LittleEndian, binary.BigEndian
	if flags2&flag2BigTime != 0 {
		be.PutUint64(b, le.Uint64(core))
		return
	}
	be.PutUint32(b, le.Uint32(core))
	be.PutUint32(b[4:], le.Uint32(core[4:]))
}
