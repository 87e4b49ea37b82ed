package block

import (
	"container/list"
	"context"
	"errors"
	"io"
	"sync"
)

// view reads a snapshot at any offset, through a cache of whole blocks that is bounded in bytes.
type view struct {
	ctx      context.Context // of the activity that reads; io.ReaderAt has no room for it
	snapshot *Snapshot

	mu     sync.Mutex
	cached map[int32]*list.Element // of *slot
	recent *list.List              // the most recently used first
	limit  int                     // slots
	last   int32                   // block asked for last: the one after it is sequential reading
	ahead  chan struct{}           // one token for each block that may be fetched ahead
}

// slot is one block of the cache; ready is closed once data or err is set.
type slot struct {
	index int32
	ready chan struct{}
	data  []byte
	err   error
}

// Device reads the snapshot under ctx: when ctx ends, reads fail with its error. Blocks are fetched when they are first
// touched, several at once when one read spans several, and ahead when reading goes on in order.
func (s *Snapshot) Device(ctx context.Context) Device {
	limit := max(int(s.opts.CacheBytes/int64(s.blockSize)), 2*s.opts.Concurrency)
	return &view{
		ctx: ctx, snapshot: s, cached: map[int32]*list.Element{}, recent: list.New(), limit: limit, last: -2,
		ahead: make(chan struct{}, s.opts.Concurrency),
	}
}

// Size is the volume's length in bytes.
func (v *view) Size() int64 { return v.snapshot.size }

// ReadAt fills p from off, as io.ReaderAt says.
func (v *view) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, errors.New("read snapshot: negative offset")
	}
	if off >= v.snapshot.size {
		return 0, io.EOF
	}
	var ended error
	if rest := v.snapshot.size - off; int64(len(p)) > rest {
		p, ended = p[:rest], io.EOF
	}
	n := 0
	for n < len(p) {
		copied, err := v.readBlock(p[n:], off+int64(n), len(p)-n)
		n += copied
		if err != nil {
			return n, err
		}
	}
	return n, ended
}

// readBlock copies what one block has for p; left is how much the caller still wants, to fetch ahead.
func (v *view) readBlock(p []byte, off int64, left int) (int, error) {
	size := int64(v.snapshot.blockSize)
	index, within := int32(off/size), int(off%size)
	p = p[:min(len(p), int(size)-within)]
	at, held := v.snapshot.position(index)
	v.fetchAhead(index, at, within+left)
	if !held {
		clear(p)
		return len(p), nil
	}
	s := v.slot(index)
	select {
	case <-s.ready:
	case <-v.ctx.Done():
		return 0, v.ctx.Err()
	}
	if s.err != nil {
		return 0, s.err
	}
	return copy(p, s.data[within:]), nil
}

// fetchAhead starts fetching the blocks that this read needs next, and when reading goes on in order those after them.
func (v *view) fetchAhead(index int32, at, want int) {
	v.mu.Lock()
	sequential := index == v.last+1
	v.last = index
	v.mu.Unlock()
	needed := int64(index) + int64((want-1)/v.snapshot.blockSize)
	if at < len(v.snapshot.indexes) && v.snapshot.indexes[at] == index {
		at++
	}
	for _, next := range v.snapshot.indexes[at:min(at+cap(v.ahead), len(v.snapshot.indexes))] {
		if int64(next) > needed && !sequential {
			return
		}
		select {
		case v.ahead <- struct{}{}:
			go func() {
				defer func() { <-v.ahead }()
				<-v.slot(next).ready
			}()
		default:
			return
		}
	}
}

// slot gives the block's place in the cache, and starts fetching it when it is new.
func (v *view) slot(index int32) *slot {
	v.mu.Lock()
	defer v.mu.Unlock()
	if e, ok := v.cached[index]; ok {
		v.recent.MoveToFront(e)
		return e.Value.(*slot)
	}
	s := &slot{index: index, ready: make(chan struct{})}
	v.cached[index] = v.recent.PushFront(s)
	if v.recent.Len() > v.limit {
		oldest := v.recent.Back()
		v.recent.Remove(oldest)
		delete(v.cached, oldest.Value.(*slot).index)
	}
	go v.fill(s)
	return s
}

// fill fetches the block. One that failed is dropped from the cache, so that a later read tries anew.
func (v *view) fill(s *slot) {
	block, err := v.snapshot.Fetch(v.ctx, s.index)
	s.data, s.err = block.Data, err
	if err != nil {
		v.drop(s)
	}
	close(s.ready)
}

func (v *view) drop(s *slot) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if e, ok := v.cached[s.index]; ok && e.Value.(*slot) == s {
		v.recent.Remove(e)
		delete(v.cached, s.index)
	}
}
