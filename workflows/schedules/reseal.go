package schedules

import (
	"context"
	"errors"
	"slices"

	"go.temporal.io/sdk/client"
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
	return []Change{change}, s.reseal(ctx, Sweep(a.Cluster, mine.last.Cron, mine.last.Timezone), mine.last)
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
