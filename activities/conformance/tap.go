package conformance

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"sync"
)

// Use is what one request asks of a server.
type Use struct {
	Permission string // as Names writes it; empty when it needs none
	Write      bool   // it changes something if it is granted
}

// Tap sits between a client and a server, notes what is asked, and breaks the connection on demand.
type Tap struct {
	classify func(*http.Request) Use
	mu       sync.Mutex
	used     map[string]bool
	writes   int
	cutAt    int // at this write from now on; zero is never
	reached  bool
	cut      bool
}

// NewTap gives a tap that understands requests through classify.
func NewTap(classify func(*http.Request) Use) *Tap {
	return &Tap{classify: classify, used: map[string]bool{}}
}

// Wrap puts the tap in front of a transport.
func (t *Tap) Wrap(base http.RoundTripper) http.RoundTripper { return tapped{t, base} }

// Used lists the permissions that were used so far, sorted.
func (t *Tap) Used() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Sorted(maps.Keys(t.used))
}

// Writes counts the requests so far that changed something.
func (t *Tap) Writes() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.writes
}

// Cut breaks the connection at the n-th write from now and refuses everything after it, as a crash would. With reached
// the server has done the write before the answer is lost.
func (t *Tap) Cut(n int, reached bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cutAt, t.reached, t.cut = n, reached, false
}

// Mend ends what Cut began and tells whether it came to a cut: false when there were fewer than n writes.
func (t *Tap) Mend() (cut bool) {
	cut = t.isCut()
	t.Cut(0, false)
	return cut
}

func (t *Tap) isCut() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.cut
}

// note records a request and tells whether it may pass, and whether its answer may.
func (t *Tap) note(use Use) (pass, answer bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.cut {
		return false, false
	}
	if use.Permission != "" {
		t.used[use.Permission] = true
	}
	if !use.Write {
		return true, true
	}
	t.writes++
	if t.cutAt == 0 {
		return true, true
	}
	if t.cutAt--; t.cutAt > 0 {
		return true, true
	}
	t.cut = true
	return t.reached, false
}

type tapped struct {
	tap  *Tap
	base http.RoundTripper
}

var errCut = errors.New("connection cut by the test")

// RoundTrip is http.RoundTripper's.
func (t tapped) RoundTrip(r *http.Request) (*http.Response, error) {
	pass, answer := t.tap.note(t.tap.classify(r))
	if !pass {
		return nil, errCut
	}
	response, err := t.base.RoundTrip(r)
	if err != nil || answer {
		return response, err
	}
	return nil, errors.Join(errCut, response.Body.Close())
}
