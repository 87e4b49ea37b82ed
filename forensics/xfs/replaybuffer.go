package xfs

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// Flags of a buffer in the log.
const (
	bufferInodes = 0x1 // it holds inodes: only the list of deleted ones is the buffer's
	bufferCancel = 0x2 // it was freed: what older transactions say of it must not be replayed
	bufferQuotas = 0x4 | 0x8 | 0x10

	bufferPiece = 128        // bytes: one bit says that such a piece changed
	maxBuffer   = 128 << 10  // bytes; no piece of metadata is larger
	unlinkedAt  = 96         // where in an inode the next deleted one stands
	ageUnknown  = ^uint64(0) // of metadata that carries none
)

// bufferItem is a stretch of metadata that a transaction changed, piece by piece.
type bufferItem struct {
	flags uint16
	key   bufferKey
	dirty []byte // words of 32 bits, a bit for each piece
}

func parseBuffer(b []byte) (bufferItem, error) {
	le := binary.LittleEndian
	if len(b) < 24 || uint64(le.Uint32(b[16:]))*4 > uint64(len(b)-20) {
		return bufferItem{}, fmt.Errorf("a buffer whose description has %d bytes", len(b))
	}
	out := bufferItem{
		flags: le.Uint16(b[4:]), key: bufferKey{at: int64(le.Uint64(b[8:])), length: int64(le.Uint16(b[6:]))},
		dirty: b[20 : 20+le.Uint32(b[16:])*4],
	}
	if out.key.at < 0 || out.key.at > 1<<54 || out.key.length*sectorSize > maxBuffer {
		return out, fmt.Errorf("a buffer of %d sectors at sector %d", out.key.length, out.key.at)
	}
	return out, nil
}

// buffer replays one buffer, unless it was cancelled or what stands on the disk is newer.
func (r *replayer) buffer(t *transaction, it *item) error {
	b, err := parseBuffer(it.regions[0])
	if err != nil {
		return err
	}
	if left, ok := r.cancelled[b.key]; ok {
		if b.flags&bufferCancel == 0 {
			r.fs.replay.Revoked++
			return nil
		}
		if left == 1 {
			delete(r.cancelled, b.key)
		} else {
			r.cancelled[b.key] = left - 1
		}
		return nil
	}
	off := b.key.at * sectorSize
	age, err := r.age(off)
	if err != nil {
		r.leaveOut("log", "the change of sector %d is left out: %w", b.key.at, err)
		return nil
	}
	if b.flags&(bufferQuotas|bufferCancel) != 0 || age != 0 && age != ageUnknown && age >= t.lsn {
		return nil
	}
	r.waiting[off] = t.lsn
	return r.pieces(&b, it.regions[1:])
}

// pieces copies what changed. Pieces that touch are one region, or several where they were far apart in memory.
func (r *replayer) pieces(b *bufferItem, regions [][]byte) error {
	for bit := b.next(0); bit >= 0 && len(regions) > 0; bit = b.next(bit) {
		region, at := regions[0], int64(bit)*bufferPiece
		count := min(b.touching(bit), len(region)/bufferPiece)
		length := int64(count) * bufferPiece
		if count == 0 || at+length > b.key.length*sectorSize {
			return fmt.Errorf("a change of %d bytes at byte %d of a buffer of %d sectors", len(region), at, b.key.length)
		}
		if err := r.piece(b, at, region[:length]); err != nil {
			return err
		}
		regions, bit = regions[1:], bit+count
	}
	return nil
}

func (r *replayer) piece(b *bufferItem, at int64, data []byte) error {
	off := b.key.at * sectorSize
	if b.flags&bufferInodes == 0 {
		return r.patchOrSay(off+at, data)
	}
	size := r.fs.super.inodeSize
	for in := (at - unlinkedAt + size - 1) / size * size; in+unlinkedAt+4 <= at+int64(len(data)); in += size {
		if in+unlinkedAt < at {
			continue
		}
		if err := r.patchOrSay(off+in+unlinkedAt, data[in+unlinkedAt-at:][:4]); err != nil {
			return err
		}
	}
	return nil
}

// patchOrSay reports what cannot be put in its place, and ends the replay only when memory does.
func (r *replayer) patchOrSay(off int64, data []byte) error {
	err := r.patch(off, data)
	if _, ok := err.(*DamageError); ok { //nolint:errorlint // patch gives it as it is
		r.leaveOut("log", "a change of %d bytes is left out: %w", len(data), err)
		return nil
	}
	return err
}

// next gives the first bit that is set from one on, or -1.
func (b *bufferItem) next(from int) int {
	for word := from / 32; word*4 < len(b.dirty); word++ {
		w := binary.LittleEndian.Uint32(b.dirty[word*4:])
		if word == from/32 {
			w &= ^uint32(0) << (from % 32)
		}
		if w != 0 {
			return word*32 + bits.TrailingZeros32(w)
		}
	}
	return -1
}

// touching gives how many bits are set without a gap.
func (b *bufferItem) touching(from int) int {
	n := from
	for n/32*4 < len(b.dirty) && binary.LittleEndian.Uint32(b.dirty[n/32*4:])>>(n%32)&1 != 0 {
		n++
	}
	return n - from
}
