package block

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// trial is one call with all its attempts.
type trial struct {
	snapshot    *Snapshot
	at          int   // position of the block that is asked for; -1 for a listing
	answers     int64 // of the service to all, when the trial began
	credentials int64 // how often they had been renewed then
	attempts    int
	corrupt     int
	broken      int
	waited      time.Duration
}

// failed notes a failed attempt. It gives the error that ends the trial, or nil when waiting may help.
func (t *trial) failed(ctx context.Context, err error) error {
	s := t.snapshot
	t.attempts++
	if isCorrupt(err) {
		return t.cameCorrupt(err)
	}
	switch classify(err) {
	case Throttled:
		s.tally.throttled.Add(1)
		s.pace.refused()
	case Expired:
		return t.expired(ctx, err)
	case Failing:
		s.tally.failed.Add(1)
		if t.alone(ctx, err) {
			return &aloneError{err}
		}
	default:
		return err
	}
	if isSilent(err) {
		t.waited += s.opts.CallTime
	}
	if t.waited >= s.opts.Patience {
		return err
	}
	return nil
}

func (t *trial) cameCorrupt(err error) error {
	t.snapshot.tally.corrupt.Add(1)
	if t.corrupt++; t.corrupt >= t.snapshot.opts.Attempts || !t.snapshot.spendRetry() {
		return err
	}
	return nil
}

// alone tells a block at which the service fails again and again while it answers for others. Where nobody asks for
// others just now, one is asked for.
func (t *trial) alone(ctx context.Context, err error) bool {
	s := t.snapshot
	if !answered(err) {
		return false
	}
	t.broken++
	if t.broken%(2*s.opts.Attempts) != 0 {
		return false
	}
	return s.tally.answers.Load() > t.answers || t.at >= 0 && s.probe(ctx, t.at)
}

// probe asks once for a neighbour of a block.
func (s *Snapshot) probe(ctx context.Context, at int) bool {
	other := at + 1
	if other == len(s.indexes) {
		other = at - 1
	}
	if other < 0 {
		return false
	}
	_, err := s.get(ctx, other, s.token(other))
	return err == nil || staleToken(err) // even that is an answer
}

// expired lets the client read its credentials anew, once in a trial: a file may hold fresher ones by now.
func (t *trial) expired(ctx context.Context, err error) error {
	s := t.snapshot
	client, ok := s.client.(Renewer)
	if !ok || t.credentials < 0 {
		return err
	}
	s.renewal.Lock()
	defer s.renewal.Unlock()
	if s.renewed.Load() == t.credentials { // nobody has done so since
		if failed := client.Renew(ctx); failed != nil {
			return fmt.Errorf("%w; and they cannot be read anew: %w", err, failed)
		}
		s.renewed.Add(1)
	}
	t.credentials = -1
	return nil
}

// backoff doubles with every attempt; the random half keeps many workers from coming back at once.
func (t *trial) backoff() time.Duration {
	full := min(shortestPause<<min(t.attempts-1, 10), longestPause)
	wait := full/2 + rand.N(full/2)
	t.waited += wait
	return wait
}

// aloneError is a failure of the service at one block.
type aloneError struct{ err error }

func (e *aloneError) Error() string {
	return "the service fails here and answers for other blocks: " + e.err.Error()
}
func (e *aloneError) Unwrap() error { return e.err }
