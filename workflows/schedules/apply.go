package schedules

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/firebreak-ir/firebreak/workflows"
)

// What apply does, or would do, with a schedule.
const (
	Created   = "created"
	Updated   = "updated"
	Unchanged = "unchanged"
	Removed   = "removed"
	Stale     = "stale" // its trigger is gone, and nobody asked to prune
)

// Change is what apply did with one schedule, or in a dry run would do.
type Change struct {
	ID     string   `json:"id"`
	Change string   `json:"change"`
	Why    []string `json:"why,omitempty"` // what differs
	Paused bool     `json:"paused,omitempty"`
}

// Apply is what to apply and how.
type Apply struct {
	Wanted    []Wanted
	Cluster   string
	Playbooks []string // whose schedules are looked at; empty: all of the cluster
	By        string
	DryRun    bool
	Prune     bool // remove the schedules whose trigger is gone
}

// Apply brings the schedules in step with what is wanted. A schedule that is there is updated in place, so that its pause and
// its past stay; one that is as it should be is not touched.
func (s *Schedules) Apply(ctx context.Context, a Apply) ([]Change, error) {
	var done []Change
	var locked error
	for _, w := range a.Wanted {
		change, err := s.applyOne(ctx, a, w)
		switch {
		case errors.Is(err, ErrLocked):
			locked = errors.Join(locked, err)
		case err != nil:
			return done, err
		default:
			done = append(done, change)
		}
	}
	sweep, err := s.resealSweep(ctx, a)
	if done = append(done, sweep...); err != nil {
		return done, errors.Join(locked, err)
	}
	gone, err := s.gone(ctx, a)
	if err != nil {
		return done, errors.Join(locked, err)
	}
	for _, g := range gone {
		change := Change{ID: g.ID, Change: Stale, Why: []string{"no trigger of a loaded playbook wants it"}, Paused: g.Paused}
		if a.Prune {
			change.Change = Removed
		}
		if a.Prune && !a.DryRun {
			if err := s.Delete(ctx, g.ID); err != nil && !errors.Is(err, ErrNotFound) {
				return done, err
			}
		}
		done = append(done, change)
	}
	return done, locked
}

func (s *Schedules) applyOne(ctx context.Context, a Apply, w Wanted) (Change, error) {
	digest, err := w.fingerprint()
	if err != nil {
		return Change{}, err
	}
	if _, err := w.policy(); err != nil {
		return Change{}, err
	}
	now := applied{
		Fingerprint: digest, Plan: w.planHash, Version: w.version, Cron: w.trigger.Cron, Timezone: w.trigger.Timezone,
		Mode: w.mode, By: a.By, At: s.now().UTC().Truncate(time.Second),
	}
	described, mine, err := s.describe(ctx, w.ID)
	switch {
	case errors.Is(err, ErrNotFound):
		return Change{ID: w.ID, Change: Created}, s.create(ctx, a, w, now)
	case err != nil:
		return Change{}, err
	}
	why := w.differs(mine, described)
	change := Change{ID: w.ID, Change: Updated, Why: why, Paused: described.Schedule.State.Paused}
	if len(why) == 0 {
		change.Change = Unchanged
		return change, nil
	}
	if a.DryRun {
		return change, nil
	}
	return change, s.update(ctx, w, now)
}

func (s *Schedules) create(ctx context.Context, a Apply, w Wanted, now applied) error {
	if a.DryRun {
		return nil
	}
	policy, err := w.policy()
	if err != nil {
		return err
	}
	return ask(ctx, "create schedule "+w.ID, func(ctx context.Context) error {
		_, err := s.client.Create(ctx, client.ScheduleOptions{
			ID: w.ID, Spec: w.spec(), Action: w.action(now), Overlap: policy.Overlap, CatchupWindow: policy.CatchupWindow,
			Note: note(now), Memo: map[string]any{identityMemo: w.identity}, TypedSearchAttributes: w.action(now).TypedSearchAttributes,
		})
		return err
	})
}

// update changes the schedule in place. A pause stays, and with it the note that says why it was paused.
func (s *Schedules) update(ctx context.Context, w Wanted, now applied) error {
	policy, err := w.policy()
	if err != nil {
		return err
	}
	replace := func(is client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
		state := is.Description.Schedule.State
		if !state.Paused {
			state.Note = note(now)
		}
		spec, attributes := w.spec(), w.action(now).TypedSearchAttributes
		return &client.ScheduleUpdate{
			Schedule:              &client.Schedule{Action: w.action(now), Spec: &spec, Policy: policy, State: state},
			TypedSearchAttributes: &attributes,
		}, nil
	}
	return ask(ctx, "update schedule "+w.ID, func(ctx context.Context) error {
		return s.client.GetHandle(ctx, w.ID).Update(ctx, client.ScheduleUpdateOptions{DoUpdate: replace})
	})
}

func note(a applied) string {
	text := fmt.Sprintf("applied by %s at %s", a.By, a.At.Format(time.DateTime+" UTC"))
	if a.Plan != "" {
		text += ", version " + a.Version + ", plan " + a.Plan[:min(12, len(a.Plan))]
	}
	return workflows.Plain(text, 500)
}

// differs says in which ways a schedule is not as it is wanted: by what was applied last, and by what somebody has changed
// at the server since.
func (w Wanted) differs(was identity, is *client.ScheduleDescription) []string {
	last := was.last
	var why []string
	add := func(what, was, now string) {
		if was != now {
			why = append(why, fmt.Sprintf("%s: %s → %s", what, orNothing(was), orNothing(now)))
		}
	}
	policy, err := w.policy()
	if err != nil {
		return []string{err.Error()}
	}
	add("cron", last.Cron, w.trigger.Cron)
	add("time zone", is.Schedule.Spec.TimeZoneName, w.trigger.Timezone)
	add("jitter", is.Schedule.Spec.Jitter.String(), w.trigger.Jitter.String())
	add("overlap", is.Schedule.Policy.Overlap.String(), policy.Overlap.String())
	add("catch-up", is.Schedule.Policy.CatchupWindow.String(), policy.CatchupWindow.String())
	add("mode", last.Mode, w.mode)
	add("version", last.Version, w.version)
	add("plan", short(last.Plan), short(w.planHash))
	if digest, err := w.fingerprint(); err == nil && len(why) == 0 && digest != last.Fingerprint {
		why = append(why, "inputs, alert or approvers")
	}
	if was.key != "" {
		why = append(why, was.key)
	}
	return why
}

func short(hash string) string { return hash[:min(12, len(hash))] }

func orNothing(text string) string {
	if text == "" {
		return "nothing"
	}
	return text
}

// gone are the schedules of the cluster that no wanted one stands for.
func (s *Schedules) gone(ctx context.Context, a Apply) ([]Schedule, error) {
	there, err := s.List(ctx, a.Cluster)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(there, func(one Schedule) bool {
		wanted := slices.ContainsFunc(a.Wanted, func(w Wanted) bool { return w.ID == one.ID })
		looked := len(a.Playbooks) == 0 || slices.Contains(a.Playbooks, one.Playbook)
		return wanted || one.Playbook == "" || !looked || !strings.HasSuffix(one.ID, "@"+a.Cluster)
	}), nil
}
