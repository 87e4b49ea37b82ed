package ebsfront

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// Limit is how AWS answers requests for the blocks of one snapshot: so many a second, each after some milliseconds. What
// comes faster is refused with RequestThrottledException.
type Limit struct {
	Snapshot  string `json:"snapshot"`
	PerSecond int    `json:"perSecond"` // AWS admits 1,000 a snapshot; zero is no limit
	Least     int    `json:"least"`     // milliseconds until an answer, at least
	Most      int    `json:"most"`      // and at most
}

// burst is how long a bucket fills: a tenth of a second's requests may come at once.
const burst = 10

// bucket is a limit and what is left of it.
type bucket struct {
	Limit
	tokens float64
	filled time.Time
}

type limits struct {
	mu sync.Mutex
	of map[string]*bucket // by snapshot
}

func (l *limits) set(limit Limit, now time.Time) error {
	if !snapshotID.MatchString(limit.Snapshot) || limit.PerSecond < 0 || limit.Least < 0 || limit.Most < limit.Least {
		return errors.New("a limit needs a snapshot, requests per second, and milliseconds with least not above most")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.of[limit.Snapshot] = &bucket{Limit: limit, tokens: limit.room(), filled: now}
	return nil
}

func (l Limit) room() float64 { return max(float64(l.PerSecond)/burst, 1) }

// take gives how long the answer has to wait; false where the bucket is empty.
func (l *limits) take(snapshot string, now time.Time) (time.Duration, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, ok := l.of[snapshot]
	if !ok {
		return 0, true
	}
	b.tokens = min(b.tokens+now.Sub(b.filled).Seconds()*float64(b.PerSecond), b.room())
	b.filled = now
	if b.PerSecond > 0 {
		if b.tokens < 1 {
			return 0, false
		}
		b.tokens--
	}
	return time.Duration(b.Least+rand.IntN(b.Most-b.Least+1)) * time.Millisecond, true
}

// admit waits as long as an answer takes, or refuses a request that comes too fast.
func (f *Front) admit(c *call) *refusal {
	after, ok := f.limits.take(c.resources[0], f.clock())
	if !ok {
		f.calls.count(c.iam()+"?throttled", c.names())
		no, _ := c.orderedDirect(Throttle)
		return &no
	}
	f.wait(c, after)
	return nil
}

func (f *Front) setLimit(w http.ResponseWriter, r *http.Request) {
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16))
	decoder.DisallowUnknownFields()
	var limit Limit
	err := decoder.Decode(&limit)
	if err == nil {
		err = f.limits.set(limit, f.clock())
	}
	if err != nil {
		writeJSON(w, http.StatusBadRequest, err.Error())
		return
	}
	writeJSON(w, http.StatusCreated, limit)
}
