package xfs

import (
	"errors"
	"fmt"
	"io"
	"sync"
)

// sectorSize is the unit in which the log counts and names places, whatever the device's sectors are.
const sectorSize = 512

// errUnreadable is what the disk itself does not give: nothing is known of what stands there.
var errUnreadable = errors.New("read")

// device reads bytes: with the log's changes where there are some, from their place otherwise.
type device struct {
	r       io.ReaderAt
	size    int64
	chunk   int64 // metadata is read and kept in pieces of so many bytes: an inode's neighbours are wanted next
	overlay map[uint64]*[sectorSize]byte
	near    map[uint64]struct{} // the stretches of 64 KiB that have a sector in the overlay

	// Two generations bound the cache without keeping an order: when the young one is full, it becomes the old one.
	mu         sync.Mutex
	young, old map[int64][]byte
	generation int // chunks in one generation
}

func newDevice(r io.ReaderAt, size, blockSize, cacheBytes int64) *device {
	chunk := max(blockSize, 16<<10)
	return &device{
		r: r, size: size, chunk: chunk, generation: int(max(cacheBytes/chunk/2, 8)),
		overlay: map[uint64]*[sectorSize]byte{}, near: map[uint64]struct{}{},
		young: map[int64][]byte{}, old: map[int64][]byte{},
	}
}

// bytes gives n bytes of metadata from an offset on. The caller must not change them.
func (d *device) bytes(off int64, n int) ([]byte, error) {
	first := off / d.chunk
	if off < 0 || off%d.chunk+int64(n) > d.chunk {
		return d.fresh(off, n)
	}
	if b, ok := d.cached(first); ok {
		return b[off%d.chunk:][:n], nil
	}
	b, err := d.fresh(first*d.chunk, int(d.chunk))
	if err != nil { // the end of the image, or a bad sector beside what is wanted
		return d.fresh(off, n)
	}
	d.keep(first, b)
	return b[off%d.chunk:][:n], nil
}

func (d *device) fresh(off int64, n int) ([]byte, error) {
	b := make([]byte, n)
	return b, d.read(off, b)
}

func (d *device) cached(n int64) ([]byte, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if b, ok := d.young[n]; ok {
		return b, true
	}
	b, ok := d.old[n]
	return b, ok
}

func (d *device) keep(n int64, b []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.young) >= d.generation {
		d.old, d.young = d.young, map[int64][]byte{}
	}
	d.young[n] = b
}

// read fills b from an offset on, as it is after the replay.
func (d *device) read(off int64, b []byte) error {
	if err := d.raw(off, b); err != nil {
		return err
	}
	d.eachReplayed(off, len(b), func(at int64, sector *[sectorSize]byte) {
		copy(b[max(at-off, 0):], sector[max(off-at, 0):])
	})
	return nil
}

// raw fills b from the image itself.
func (d *device) raw(off int64, b []byte) error {
	if off < 0 || off > d.size-int64(len(b)) {
		return damaged(fmt.Sprintf("byte %d", off), "lies outside the image of %d bytes", d.size)
	}
	got, err := d.r.ReadAt(b, off)
	if got == len(b) {
		return nil
	}
	return &DamageError{Place: fmt.Sprintf("byte %d", off), Err: fmt.Errorf("%w: %w", errUnreadable, err)}
}

// replayed tells whether the log changed any sector of a stretch.
func (d *device) replayed(off int64, n int) bool {
	found := false
	d.eachReplayed(off, n, func(int64, *[sectorSize]byte) { found = true })
	return found
}

// eachReplayed calls do for each sector of a stretch that the log changed, with the byte at which it begins.
func (d *device) eachReplayed(off int64, n int, do func(int64, *[sectorSize]byte)) {
	if len(d.overlay) == 0 || off < 0 || n <= 0 {
		return
	}
	end := uint64(off) + uint64(n)
	for at := uint64(off) / sectorSize; at*sectorSize < end; at++ {
		if _, ok := d.near[at>>7]; !ok {
			at |= 127
			continue
		}
		if s, ok := d.overlay[at]; ok {
			do(int64(at*sectorSize), s)
		}
	}
}

// patch puts bytes over the image. Only the recovery of the log calls it, before anything is cached.
func (d *device) patch(off int64, b []byte) error {
	for len(b) > 0 {
		at := uint64(off) / sectorSize
		s, err := d.sector(at)
		if err != nil {
			return err
		}
		n := copy(s[off%sectorSize:], b)
		off, b = off+int64(n), b[n:]
	}
	return nil
}

// sector gives a sector of the overlay, which is made from the image's where there was none.
func (d *device) sector(at uint64) (*[sectorSize]byte, error) {
	if s, ok := d.overlay[at]; ok {
		return s, nil
	}
	s := &[sectorSize]byte{}
	if err := d.raw(int64(at)*sectorSize, s[:]); err != nil {
		return nil, err
	}
	d.overlay[at], d.near[at>>7] = s, struct{}{}
	return s, nil
}

// forget empties the cache: what was read before the replay may be older.
func (d *device) forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.young, d.old = map[int64][]byte{}, map[int64][]byte{}
}

// changedBlocks counts the blocks of the image that have a sector in the overlay.
func (d *device) changedBlocks(blockSize int64) int {
	blocks := map[uint64]struct{}{}
	for at := range d.overlay {
		blocks[at*sectorSize/uint64(blockSize)] = struct{}{}
	}
	return len(blocks)
}
