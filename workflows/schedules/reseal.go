package schedules

import (
	"context"
	"errors"
	"fmt"
	"slices"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/client"

	"github.com/firebreak-ir/firebreak/workflows"
)

// resealSweep writes the sweep of the cluster anew where it is not encrypted with the current key. No playbook wants it, so that
// nothing else would; its times stay as they are.
func (s *Schedules) resealSweep(ctx context.Context, a Apply) ([]Change, error) {
	id := SweepID(a.Cluster)
	if len(a.Playbooks) > 0 || slices.ContainsFunc(a.Wanted, func(w Wanted) bool { return w.ID == id }) {
		return nil, nil
	}
	described, mine, err := s.describe(ctx, id)
	switch {
	case errors.Is(err, ErrNotFound), errors.Is(err, ErrForeign):
		return nil, nil
	case err != nil:
		return nil, err
	case mine.key == "":
		return nil, nil
	}
	change := Change{ID: id, Change: Updated, Why: []string{mine.key}, Paused: described.Schedule.State.Paused}
	if a.DryRun {
		return []Change{change}, nil
	}
	in, err := s.sweeping(described)
	if err != nil {
		return nil, fmt.Errorf("schedule %q: %w", id, err)
	}
	return []Change{change}, s.reseal(ctx, Sweep(a.Cluster, mine.last.Cron, mine.last.Timezone, in.Notify), mine.last)
}

// sweeping reads what the sweep begins with.
func (s *Schedules) sweeping(is *client.ScheduleDescription) (in workflows.SweepInput, err error) {
	action, _ := is.Schedule.Action.(*client.ScheduleWorkflowAction)
	if action == nil || len(action.Args) == 0 {
		return in, nil
	}
	if payload, sealed := action.Args[0].(*commonpb.Payload); sealed {
		err = s.decode.FromPayload(payload, &in)
	}
	return in, err
}

// reseal replaces what the schedule starts, and nothing else of it.
func (s *Schedules) reseal(ctx context.Context, w Wanted, now applied) error {
	replace := func(is client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
		all := is.Description.Schedule
		all.Action = w.action(now)
		return &client.ScheduleUpdate{Schedule: &all}, nil
	}
	return ask(ctx, "update schedule "+w.ID, func(ctx context.Context) error {
		return s.client.GetHandle(ctx, w.ID).Update(ctx, client.ScheduleUpdateOptions{DoUpdate: replace})
	})
}
