package block

import (
	"container/list"
	"context"
	"errors"
	"io"
	"sync"
)

// Reader reads a snapshot at any offset: blocks are fetched when they are first touched, several at once when one read
// spans several, and ahead where reading goes on in order or Prefetch said so. It is safe for many goroutines.
type Reader struct {
	ctx      context.Context // of the activity that reads; io.ReaderAt has no room for it
	stop     context.CancelFunc
	snapshot *Snapshot
	local    *local // blocks kept on this machine's disk; nil when there is no such place
	running  sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	cached  map[int32]*list.Element // of *slot
	recent  *list.List              // the most recently used first
	limit   int                     // slots
	wrong   map[int32]error         // blocks that did not come right: they are not asked for again
	records map[int32]record        // blocks that did
	reused  int                     // of them, found on this machine's disk
	order   sequence
	hints   hints
}

// record is what the index says of a block that was read.
type record struct {
	sum     [32]byte
	fetched int64 // nanoseconds since 1970
}

// slot is one block of the cache; ready is closed once data or err is set.
type slot struct {
	index   int32
	ready   chan struct{}
	data    []byte
	err     error
	ahead   bool // fetched before anybody asked for it
	touched bool
}

// maxWrong bounds what is remembered of blocks that did not come right.
const maxWrong = 1 << 16

// Device reads the snapshot under ctx: when ctx ends, reads fail with its error.
func (s *Snapshot) Device(ctx context.Context) *Reader { return s.reader(ctx, nil) }

func (s *Snapshot) reader(ctx context.Context, local *local) *Reader {
	ctx, stop := context.WithCancel(ctx)
	limit := max(int(s.opts.CacheBytes/int64(s.blockSize)), 4)
	return &Reader{
		ctx: ctx, stop: stop, snapshot: s, local: local, limit: limit,
		cached: map[int32]*list.Element{}, recent: list.New(), wrong: map[int32]error{}, records: map[int32]record{},
		hints: hints{queued: map[int32]struct{}{}},
	}
}

// Close ends what is being fetched and waits for it. What was kept on disk stays.
func (r *Reader) Close() error {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.stop()
	r.running.Wait()
	if r.local == nil {
		return nil
	}
	return r.local.close()
}

// Size is the volume's length in bytes.
func (r *Reader) Size() int64 { return r.snapshot.size }

// ReadAt fills p from off, as io.ReaderAt says. A block that does not come right is a *CorruptError or an
// *UnreadableError, which name it and its place; what lies before it is in p.
func (r *Reader) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, errors.New("read snapshot: negative offset")
	}
	if off >= r.snapshot.size {
		return 0, io.EOF
	}
	var ended error
	if rest := r.snapshot.size - off; int64(len(p)) > rest {
		p, ended = p[:rest], io.EOF
	}
	r.lookAhead(off, len(p))
	n := 0
	for n < len(p) {
		copied, err := r.readBlock(p[n:], off+int64(n))
		n += copied
		if err != nil {
			return n, err
		}
	}
	return n, ended
}

// readBlock copies what one block has for p.
func (r *Reader) readBlock(p []byte, off int64) (int, error) {
	size := int64(r.snapshot.blockSize)
	index, within := int32(off/size), int(off%size)
	p = p[:min(len(p), int(size)-within)]
	if _, held := r.snapshot.position(index); !held {
		clear(p)
		return len(p), nil
	}
	if r.local != nil && r.local.proven(index) {
		return r.local.file.ReadAt(p, off)
	}
	s := r.slot(index, false)
	select {
	case <-s.ready:
	case <-r.ctx.Done():
		return 0, r.ctx.Err()
	}
	if s.err != nil {
		return 0, s.err
	}
	return copy(p, s.data[within:]), nil
}

// fill brings the block: from this machine's disk, where an analysis before left it, or from the service.
func (r *Reader) fill(s *slot) {
	defer r.running.Done()
	block, found := r.kept(s.index)
	if !found {
		block, s.err = r.snapshot.Fetch(r.ctx, s.index)
	}
	s.data = block.Data
	if s.err == nil && r.local != nil && !found {
		r.local.store(block)
	}
	r.settle(s, block, found)
	close(s.ready)
	r.pump()
}

// kept gives a block that an analysis before has left here, when its bytes still are those of its checksum.
func (r *Reader) kept(index int32) (Block, bool) {
	if r.local == nil {
		return Block{}, false
	}
	block, found := r.local.prove(index)
	if at, held := r.snapshot.position(index); found && held {
		r.snapshot.noteRead(at)
	}
	return block, found
}
