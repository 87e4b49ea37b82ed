package worker

import (
	"context"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/firebreak-ir/firebreak/activities"
)

// beats takes an activity's progress to Temporal as heartbeats, and beats on its own between two reports: a worker that
// dies is noticed within the heartbeat timeout, whatever its activity was doing.
type beats struct {
	mu    sync.Mutex
	last  activities.Progress
	known bool
}

// resume takes over what the attempt before had reported, so that it survives this attempt's own death too.
func resume(ctx context.Context) *beats {
	b := &beats{}
	if activity.HasHeartbeatDetails(ctx) && activity.GetHeartbeatDetails(ctx, &b.last) == nil {
		b.known = true
	}
	return b
}

// reporter is what one call sees of its beats.
type reporter struct {
	ctx   context.Context
	beats *beats
}

// Report keeps the progress and sends it; the SDK sends no more than one heartbeat in an interval.
func (r reporter) Report(p activities.Progress) {
	r.beats.mu.Lock()
	defer r.beats.mu.Unlock()
	r.beats.last, r.beats.known = p, true
	activity.RecordHeartbeat(r.ctx, p)
}

// Last gives what was reported last, by this attempt or the one before.
func (r reporter) Last() (activities.Progress, bool) {
	r.beats.mu.Lock()
	defer r.beats.mu.Unlock()
	return r.beats.last, r.beats.known
}

func (r reporter) repeat() {
	r.beats.mu.Lock()
	defer r.beats.mu.Unlock()
	if r.beats.known {
		activity.RecordHeartbeat(r.ctx, r.beats.last)
		return
	}
	activity.RecordHeartbeat(r.ctx)
}

// keepBeating beats until stop is called, which waits for the last beat. The first beat is due after the interval, unless
// there is progress of the attempt before to be kept: most activities are through before, and a beat is a request.
func (r reporter) keepBeating(every time.Duration) (stop func()) {
	if every <= 0 {
		return func() {}
	}
	quit, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(every)
		defer tick.Stop()
		if _, known := r.Last(); known {
			r.repeat()
		}
		for {
			select {
			case <-quit:
				return
			case <-r.ctx.Done():
				return
			case <-tick.C:
				r.repeat()
			}
		}
	}()
	return func() { close(quit); <-ended }
}
