package cases

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/workflows"
)

// slowClient is a Temporal whose every start takes a second.
type slowClient struct {
	client.Client

	now, most atomic.Int64
}

type startedRun struct{ client.WorkflowRun }

func (startedRun) GetRunID() string { return "0198f2a4-0000-7000-8000-000000000000" }

func (s *slowClient) SignalWithStartWorkflow(ctx context.Context, _, _ string, _ any, _ client.StartWorkflowOptions, _ any, _ ...any) (client.WorkflowRun, error) {
	if n := s.now.Add(1); n > s.most.Load() {
		s.most.Store(n)
	}
	defer s.now.Add(-1)
	*ctx.Value(startKey{}).(*bool) = true
	select {
	case <-time.After(time.Second):
		return startedRun{}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// TestAFloodIsTakenInTurns: 64 starts a second are all that this Temporal can do. Two thousand alerts that come at once take
// more than the time that one start may, and none is lost; who cannot wait so long is told to come again.
func TestAFloodIsTakenInTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		temporal := &slowClient{}
		c := New(temporal)
		var wait sync.WaitGroup
		var lost, late atomic.Int64
		for i := range 2000 {
			wait.Go(func() {
				ctx, done := context.WithTimeout(t.Context(), 40*time.Second)
				defer done()
				if i == 1999 {
					time.Sleep(time.Millisecond)
					ctx, done = context.WithTimeout(ctx, time.Second)
					defer done()
				}
				_, err := c.Start(ctx, plan.WorkflowID("flood", "key"), workflows.Input{Plan: plan.Plan{Name: "flood"}})
				switch {
				case errors.Is(err, ErrUnavailable) && i == 1999:
					late.Add(1)
				case err != nil:
					lost.Add(1)
				}
			})
		}
		wait.Wait()
		if lost.Load() != 0 || late.Load() != 1 || temporal.most.Load() != atOnce {
			t.Fatalf("%d lost, %d told to come again, %d at once", lost.Load(), late.Load(), temporal.most.Load())
		}
	})
}
