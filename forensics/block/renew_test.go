package block

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/firebreak-ir/firebreak/forensics/block/blocktest"
)

func clientOf(s *blocktest.Service) func(context.Context, string) (EBS, error) {
	return func(context.Context, string) (EBS, error) { return s, nil }
}

// TestTokensThatRunOut lists tokens anew in the middle of a run, once for all who wait for them.
func TestTokensThatRunOut(t *testing.T) {
	s := serve(40)
	r := readerOf(t, s, Options{PageSize: 10000}, Local{})
	s.Expire()
	var all sync.WaitGroup
	for i := range 40 {
		all.Go(func() {
			if _, err := r.ReadAt(make([]byte, 10), int64(i*testBlock)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	// Each listing renews the block asked for and all behind it, so that few are needed, not one for each block.
	if n := s.Lists(); n < 2 || n > 20 {
		t.Errorf("%d listings", n)
	}
	if r.Stats().Renewals == 0 {
		t.Error("no renewal was counted")
	}
}

// TestPageTokensThatRunOut goes on behind the block listed last.
func TestPageTokensThatRunOut(t *testing.T) {
	s := serve(215, 3, 4, 120)
	expired := false
	s.Before = func(_ context.Context, action string, _ int32, n int) error {
		if action == "ListSnapshotBlocks" && n == 2 && !expired {
			expired = true
			s.Expire()
		}
		return nil
	}
	snapshot := snapshotOf(t, s, Options{PageSize: 100})
	if n := len(snapshot.Indexes()); n != 212 {
		t.Errorf("%d blocks listed", n)
	}
	for _, index := range []int32{0, 130, 214} {
		if _, err := snapshot.Fetch(t.Context(), index); err != nil {
			t.Error(err)
		}
	}
}

// TestCredentialsThatRunOut reads them anew once, and gives up when the new ones are no better.
func TestCredentialsThatRunOut(t *testing.T) {
	s := serve(6)
	s.Before = func(_ context.Context, action string, _ int32, _ int) error {
		if action == "GetSnapshotBlock" && s.Renewals() == 0 {
			return blocktest.Refuse(403, "ExpiredTokenException")
		}
		return nil
	}
	if out, err := Export(t.Context(), snapshotOf(t, s, Options{}), target(t), ExportOptions{}); err != nil || out.Read != 6 || s.Renewals() != 1 {
		t.Errorf("%+v, %d renewals, %v", out, s.Renewals(), err)
	}
	s.Before = func(_ context.Context, action string, _ int32, _ int) error {
		if action == "GetSnapshotBlock" {
			return blocktest.Refuse(403, "ExpiredTokenException")
		}
		return nil
	}
	_, err := snapshotOf(t, s, Options{}).Fetch(t.Context(), 1)
	var api *APIError
	if !errors.As(err, &api) || api.Reason != Expired || s.Renewals() != 2 {
		t.Errorf("%d renewals, %v", s.Renewals(), err)
	}
}

// TestPace spaces requests as the quota has it, slows down where one is refused all the same, and comes back.
func TestPace(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	p := newPacer(1000, func() time.Time { return now })
	waited := time.Duration(0)
	for range 1000 {
		waited = p.turn()
	}
	if waited < 900*time.Millisecond || waited > time.Second {
		t.Errorf("the thousandth request waits %s", waited)
	}
	now = now.Add(10 * time.Second)
	if wait := p.turn(); wait != 0 {
		t.Errorf("after a rest: %s", wait)
	}
	for range 50 {
		p.refused() // all at once tell one thing
	}
	if p.gap != 2*time.Millisecond {
		t.Errorf("after a refusal: %s between two", p.gap)
	}
	for range 100 {
		now = now.Add(time.Second)
		p.refused()
	}
	if p.gap != longestGap {
		t.Errorf("after many: %s", p.gap)
	}
	for range 1000 {
		p.answered()
	}
	if p.gap != time.Millisecond {
		t.Errorf("after many answers: %s", p.gap)
	}
}
