package block

import "slices"

// sequence finds reading that goes on in order, of a few readers at once.
type sequence struct {
	streams [8]stream
	oldest  int
}

// stream is one reader that may be reading in order.
type stream struct {
	next int32 // the block after the one it read last
	run  int   // blocks that it has read in order
}

// hints are the blocks that somebody will want.
type hints struct {
	queue    []int32
	queued   map[int32]struct{}
	fetching int // of them, now
	unread   int // fetched or being fetched, and asked for by nobody yet
}

// maxHints bounds the queue. A hint that is lost costs time alone.
const maxHints = 1 << 20

// follow notes that a block is being read and gives how many after it to fetch ahead: as many as were
// read in order before it. So what is fetched in vain is never more than what was read.
func (o *sequence) follow(index int32, most int) int {
	for i := range o.streams {
		s := &o.streams[i]
		switch {
		case s.next == index && index > 0:
			s.next, s.run = index+1, s.run+1
			return min(s.run, most)
		case s.next == index+1:
			return 0 // within the same block
		}
	}
	o.streams[o.oldest] = stream{next: index + 1}
	o.oldest = (o.oldest + 1) % len(o.streams)
	return 0
}

// lookAhead starts to fetch all blocks of a read, and, where reading goes on in order, some after them.
func (r *Reader) lookAhead(off int64, length int) {
	size := int64(r.snapshot.blockSize)
	first, last := int32(off/size), int32((off+int64(length)-1)/size)
	r.mu.Lock()
	window := 0
	for index := first; index <= last; index++ {
		window = r.order.follow(index, min(cap(r.snapshot.slots), r.limit/2))
	}
	r.mu.Unlock()
	if first == last && window == 0 {
		return
	}
	r.want(first, min(int64(last)+int64(window), r.snapshot.size/size-1), true)
}

// Prefetch says that somebody will read there: the blocks are fetched at once, in the order in which they were named, as
// far as there is room to keep them. It does not wait.
func (r *Reader) Prefetch(off, length int64) {
	size := int64(r.snapshot.blockSize)
	if off < 0 || length <= 0 || off >= r.snapshot.size {
		return
	}
	end := min(off+min(length, r.snapshot.size-off), r.snapshot.size)
	r.want(int32(off/size), (end-1)/size, false)
}

// Remote is true.
func (r *Reader) Remote() bool { return true }

// want queues the blocks of a range that the snapshot holds and nobody has; urgent ones come before all others.
func (r *Reader) want(first int32, last int64, urgent bool) {
	r.mu.Lock()
	at, _ := r.snapshot.position(first)
	var wanted []int32
	for ; at < len(r.snapshot.indexes) && int64(r.snapshot.indexes[at]) <= last; at++ {
		index := r.snapshot.indexes[at]
		if _, queued := r.hints.queued[index]; queued || r.has(index) || len(r.hints.queue)+len(wanted) >= maxHints {
			continue
		}
		r.hints.queued[index] = struct{}{}
		wanted = append(wanted, index)
	}
	if urgent {
		r.hints.queue = slices.Insert(r.hints.queue, 0, wanted...)
	} else {
		r.hints.queue = append(r.hints.queue, wanted...)
	}
	r.mu.Unlock()
	r.pump()
}

// has tells a block that need not be fetched ahead.
func (r *Reader) has(index int32) bool {
	_, cached := r.cached[index]
	return cached || r.wrong[index] != nil || r.local != nil && r.local.proven(index)
}

// pump starts as many of the wanted blocks as may be under way.
func (r *Reader) pump() {
	for {
		index, ok := r.nextHint()
		if !ok {
			return
		}
		r.slot(index, true)
	}
}

// nextHint takes a block from the queue, as long as there is room: without a place on disk, what nobody has asked for yet
// may fill half the cache.
func (r *Reader) nextHint() (int32, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.hints.queue) > 0 && !r.closed && r.ctx.Err() == nil {
		if r.hints.fetching >= cap(r.snapshot.slots) || r.keepsInMemory() && r.hints.unread >= r.limit/2 {
			return 0, false
		}
		index := r.hints.queue[0]
		r.hints.queue = r.hints.queue[1:]
		delete(r.hints.queued, index)
		if !r.has(index) {
			return index, true
		}
	}
	return 0, false
}

func (r *Reader) keepsInMemory() bool { return r.local == nil || r.local.full() }
