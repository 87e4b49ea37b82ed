package ext4

import (
	"encoding/binary"
	"fmt"
	"io"
	"sync"
)

// replayed says where the newest committed copy of a block lies in the journal.
type replayed struct {
	physical uint64
	escaped  bool // its first four bytes are the journal's magic and were blanked in the copy
}

// device reads blocks: from the journal where a committed transaction holds a newer copy, from their place otherwise.
type device struct {
	r         io.ReaderAt
	size      int64
	blockSize int64
	overlay   map[uint64]replayed
	patches   map[uint64][]byte // blocks that fast commits changed

	// Two generations bound the cache without keeping an order: when the young one is full, it becomes the old one.
	mu         sync.Mutex
	young, old map[uint64][]byte
	generation int // blocks in one generation
}

func newDevice(r io.ReaderAt, size, blockSize, cacheBytes int64) *device {
	return &device{
		r: r, size: size, blockSize: blockSize, generation: int(max(cacheBytes/blockSize/2, 8)),
		young: map[uint64][]byte{}, old: map[uint64][]byte{},
	}
}

// setOverlay puts the journal's newer blocks over the image and forgets what was read without them.
func (d *device) setOverlay(o map[uint64]replayed) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.overlay, d.young, d.old = o, map[uint64][]byte{}, map[uint64][]byte{}
}

// patch gives a block to be changed in memory.
func (d *device) patch(n uint64) ([]byte, error) {
	if b, ok := d.patches[n]; ok {
		return b, nil
	}
	b := make([]byte, d.blockSize)
	if err := d.read(n, b); err != nil {
		return nil, err
	}
	if d.patches == nil {
		d.patches = map[uint64][]byte{}
	}
	d.patches[n] = b
	return b, nil
}

// block gives one block of metadata. The caller must not change it.
func (d *device) block(n uint64) ([]byte, error) {
	if b, ok := d.patches[n]; ok {
		return b, nil
	}
	if b, ok := d.cached(n); ok {
		return b, nil
	}
	b := make([]byte, d.blockSize)
	if err := d.read(n, b); err != nil {
		return nil, err
	}
	d.keep(n, b)
	return b, nil
}

func (d *device) cached(n uint64) ([]byte, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if b, ok := d.young[n]; ok {
		return b, true
	}
	b, ok := d.old[n]
	return b, ok
}

func (d *device) keep(n uint64, b []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.young) >= d.generation {
		d.old, d.young = d.young, map[uint64][]byte{}
	}
	d.young[n] = b
}

// read fills b, at most one block long, from the start of block n as it is after the replay.
func (d *device) read(n uint64, b []byte) error {
	if patched, ok := d.patches[n]; ok {
		copy(b, patched)
		return nil
	}
	at, ok := d.overlay[n]
	if !ok {
		return d.raw(n, 0, b)
	}
	if err := d.raw(at.physical, 0, b); err != nil {
		return err
	}
	if at.escaped && len(b) >= 4 {
		binary.BigEndian.PutUint32(b, journalMagic)
	}
	return nil
}

// raw fills b from the image itself, starting skip bytes into block n.
func (d *device) raw(n uint64, skip int64, b []byte) error {
	if n >= 1<<47 || int64(n)*d.blockSize+skip > d.size-int64(len(b)) {
		return damaged(fmt.Sprintf("block %d", n), "lies outside the image of %d bytes", d.size)
	}
	got, err := d.r.ReadAt(b, int64(n)*d.blockSize+skip)
	if got == len(b) {
		return nil
	}
	return &DamageError{Place: fmt.Sprintf("block %d", n), Err: fmt.Errorf("read: %w", err)}
}

// readRun fills p from skip bytes into the first of consecutive blocks: in one read where the journal has none of them.
func (d *device) readRun(first uint64, skip int64, p []byte) error {
	if !d.overlaid(first, skip, len(p)) {
		return d.raw(first, skip, p)
	}
	buf := make([]byte, d.blockSize)
	for len(p) > 0 {
		if err := d.read(first, buf); err != nil {
			return err
		}
		n := copy(p, buf[skip:])
		p, skip, first = p[n:], 0, first+1
	}
	return nil
}

func (d *device) overlaid(first uint64, skip int64, length int) bool {
	if len(d.overlay) == 0 && len(d.patches) == 0 {
		return false
	}
	last := first + uint64((skip+int64(length)-1)/d.blockSize)
	for n := first; n <= last; n++ {
		_, newer := d.overlay[n]
		if _, patched := d.patches[n]; newer || patched {
			return true
		}
	}
	return false
}
