package block

import (
	"container/list"
	"context"
	"errors"
)

// slot gives the block's place in the cache, and starts to bring it when it is new. A block that did not come right
// gives its error at once: asking again for each of its parts would cost minutes.
func (r *Reader) slot(index int32, ahead bool) *slot {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e, ok := r.cached[index]; ok {
		s := e.Value.(*slot)
		if !ahead {
			r.recent.MoveToFront(e)
			r.touch(s)
		}
		return s
	}
	if err := r.refusal(index); err != nil {
		return failed(index, err)
	}
	s := &slot{index: index, ready: make(chan struct{}), ahead: ahead, touched: !ahead}
	if ahead {
		r.hints.unread++
		r.hints.fetching++
	}
	r.cached[index] = r.recent.PushFront(s)
	r.shrink()
	r.running.Add(1)
	go r.fill(s)
	return s
}

// refusal says why a block is not asked for; nil when it is.
func (r *Reader) refusal(index int32) error {
	if r.closed {
		return errors.New("read snapshot: it is closed")
	}
	return r.wrong[index]
}

func failed(index int32, err error) *slot {
	s := &slot{index: index, ready: make(chan struct{}), err: err}
	close(s.ready)
	return s
}

// touch notes that somebody asked for what was fetched ahead.
func (r *Reader) touch(s *slot) {
	if s.ahead && !s.touched {
		r.hints.unread--
	}
	s.touched = true
}

// shrink drops what was not used for longest.
func (r *Reader) shrink() {
	for r.recent.Len() > r.limit {
		r.forget(r.recent.Back())
	}
}

func (r *Reader) forget(e *list.Element) {
	s := e.Value.(*slot)
	r.touch(s)
	r.recent.Remove(e)
	delete(r.cached, s.index)
}

// settle notes how a block came. What failed leaves the cache, and so does what lies on this machine's disk.
func (r *Reader) settle(s *slot, b Block, reused bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s.ahead {
		r.hints.fetching--
	}
	switch {
	case s.err == nil:
		r.records[s.index] = recordOf(b)
		if reused {
			r.reused++
		}
	case !errors.Is(s.err, context.Canceled) && len(r.wrong) < maxWrong && !passing(s.err):
		r.wrong[s.index] = s.err
	}
	if s.err == nil && (r.local == nil || !r.local.proven(s.index)) {
		return
	}
	if e, ok := r.cached[s.index]; ok && e.Value.(*slot) == s {
		r.forget(e)
	}
}

// passing tells a failure that is none of the block: with fresh credentials or another permission it will come.
func passing(err error) bool {
	var api *APIError
	return errors.As(err, &api) && (api.Reason == Expired || api.Reason == Denied || api.Reason == NotReady)
}
