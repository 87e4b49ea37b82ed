package block

import (
	"context"
	"time"
)

// Options bound what reading a snapshot may cost. The zero value is a sensible choice for every field.
type Options struct {
	Concurrency int   // blocks fetched at once; 64
	PerSecond   int   // requests for blocks in a second, as AWS admits for one snapshot; 1000
	CacheBytes  int64 // blocks kept in memory for one Reader; 64 MiB
	Attempts    int   // at one block that comes corrupt; 5
	RetryBudget int   // of such attempts over the whole snapshot; 1000
	PageSize    int32 // blocks asked for in one listing call, 100 to 10000; 10000

	Patience time.Duration // with one call while the service throttles, fails or is silent; 15 minutes
	CallTime time.Duration // of one call that gets no answer; 2 minutes

	Clock func() time.Time                           // the time a block was fetched; time.Now
	Pause func(context.Context, time.Duration) error // waits between retries; returns early with the context's error
}

func (o Options) withDefaults() Options {
	o.Concurrency = positive(o.Concurrency, 64)
	o.PerSecond = positive(o.PerSecond, 1000)
	o.CacheBytes = positive(o.CacheBytes, 64<<20)
	o.Attempts = positive(o.Attempts, 5)
	o.RetryBudget = positive(o.RetryBudget, 1000)
	o.PageSize = positive(o.PageSize, 10000)
	o.Patience = positive(o.Patience, 15*time.Minute)
	o.CallTime = positive(o.CallTime, 2*time.Minute)
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Pause == nil {
		o.Pause = pause
	}
	return o
}

func positive[N int | int32 | int64 | time.Duration](given, otherwise N) N {
	if given > 0 {
		return given
	}
	return otherwise
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
