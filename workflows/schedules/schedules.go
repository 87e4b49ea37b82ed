// Package schedules keeps the Temporal Schedules that start playbooks by the clock in step with the playbooks. It is the only
// scheduler there is: nothing here waits for a time itself.
package schedules

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"github.com/firebreak-ir/firebreak/workflows"
	"github.com/firebreak-ir/firebreak/workflows/cases"
)

// Errors that a caller tells apart.
var (
	// ErrNotFound is returned where there is no schedule of that id.
	ErrNotFound = errors.New("no such schedule")
	// ErrUnprepared is returned where no worker has registered the search attributes in the namespace yet.
	ErrUnprepared = errors.New("the namespace does not know Firebreak's search attributes yet; start `firebreak worker`, which registers them")
	// ErrForeign is returned for a schedule that Firebreak did not make: it is neither changed nor removed.
	ErrForeign = errors.New("the schedule is not Firebreak's")
	// ErrLocked is returned for a schedule that cannot be read, since the key that it was encrypted with is not here.
	ErrLocked = errors.New("the schedule is encrypted with a key that is not here: list the key again and apply before it is dropped, " +
		"or delete the schedule and apply")
)

// Schedules is a connection to the schedules of one Temporal namespace.
type Schedules struct {
	client client.ScheduleClient
	decode converter.DataConverter
	now    func() time.Time
}

// New uses a client that was made elsewhere. The converter is the client's own; nil is the standard one.
func New(c client.Client, decode converter.DataConverter, now func() time.Time) *Schedules {
	if decode == nil {
		decode = converter.GetDefaultDataConverter()
	}
	return &Schedules{client: c.ScheduleClient(), decode: decode, now: now}
}

// Schedule is one schedule as it stands.
type Schedule struct {
	ID       string      `json:"id"`
	Playbook string      `json:"playbook,omitempty"`
	Trigger  string      `json:"trigger,omitempty"`
	Cluster  string      `json:"cluster"`
	Mode     string      `json:"mode"`
	Cron     string      `json:"cron"`
	Timezone string      `json:"timezone,omitempty"`
	Paused   bool        `json:"paused"`
	Note     string      `json:"note,omitempty"`
	Next     []time.Time `json:"next,omitempty"`
	Last     []Run       `json:"last,omitempty"` // the newest first
}

// Run is one run that a schedule started.
type Run struct {
	Workflow string    `json:"workflow"`
	Case     string    `json:"case,omitempty"` // of a playbook
	Due      time.Time `json:"due"`
	Started  time.Time `json:"started"`
}

// List gives the schedules of Firebreak on a cluster, by their ids; an empty cluster means all. Temporal's list follows by
// some moments.
func (s *Schedules) List(ctx context.Context, cluster string) ([]Schedule, error) {
	ids, err := s.ids(ctx, cluster)
	if err != nil {
		return nil, err
	}
	var list []Schedule
	for _, mine := range ids {
		now, err := s.Get(ctx, mine.id) // the list does not tell what was applied last
		switch {
		case errors.Is(err, ErrNotFound):
			continue
		case errors.Is(err, ErrLocked):
			now = Schedule{ID: mine.id, Playbook: mine.Playbook, Trigger: mine.Trigger, Cluster: mine.Cluster, Note: ErrLocked.Error()}
		case err != nil:
			return nil, err
		}
		list = append(list, now)
	}
	slices.SortFunc(list, func(a, b Schedule) int { return strings.Compare(a.ID, b.ID) })
	return list, nil
}

func (s *Schedules) ids(ctx context.Context, cluster string) (ids []listed, err error) {
	err = ask(ctx, "list schedules", func(ctx context.Context) error {
		all, err := s.client.List(ctx, client.ScheduleListOptions{PageSize: 100})
		for err == nil && all.HasNext() {
			var one *client.ScheduleListEntry
			if one, err = all.Next(); err != nil {
				break
			}
			if mine, ok := s.identity(one.ID, one.Memo, one.SearchAttributes); ok && (cluster == "" || mine.Cluster == cluster) {
				ids = append(ids, listed{mine, one.ID})
			}
		}
		return err
	})
	return ids, err
}

// listed is a schedule as the lists know it.
type listed struct {
	identity

	id string
}

// owned sees to it that a schedule is Firebreak's, also one that cannot be read.
func (s *Schedules) owned(ctx context.Context, id string) error {
	_, _, err := s.describe(ctx, id)
	if !errors.Is(err, ErrLocked) {
		return err
	}
	ids, err := s.ids(ctx, "")
	if err == nil && !slices.ContainsFunc(ids, func(one listed) bool { return one.id == id }) {
		err = fmt.Errorf("schedule %q: %w", id, ErrForeign)
	}
	return err
}

// Get gives one schedule of Firebreak.
func (s *Schedules) Get(ctx context.Context, id string) (Schedule, error) {
	described, mine, err := s.describe(ctx, id)
	if err != nil {
		return Schedule{}, err
	}
	return scheduleOf(mine, id, described), nil
}

func (s *Schedules) describe(ctx context.Context, id string) (*client.ScheduleDescription, identity, error) {
	var described *client.ScheduleDescription
	err := find(ctx, "find schedule "+id, func(ctx context.Context) (err error) {
		described, err = s.client.GetHandle(ctx, id).Describe(ctx)
		return err
	})
	if err != nil {
		return nil, identity{}, unread(err)
	}
	mine, ok := s.identity(id, described.Memo, described.SearchAttributes)
	if !ok {
		return nil, identity{}, fmt.Errorf("schedule %q: %w", id, ErrForeign)
	}
	if action, ok := described.Schedule.Action.(*client.ScheduleWorkflowAction); ok {
		if mine.key, err = s.applied(payloads(action.Memo), &mine.last); err != nil {
			return nil, identity{}, fmt.Errorf("schedule %q: %w", id, err)
		}
	}
	return described, mine, nil
}

// unread tells an answer that cannot be decrypted from none: the client decrypts a schedule's summary itself.
func unread(err error) error {
	var served serviceerror.ServiceError
	for _, known := range []error{ErrNotFound, ErrUnprepared, cases.ErrUnavailable, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, known) {
			return err
		}
	}
	if errors.As(err, &served) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrLocked, err)
}

func scheduleOf(mine identity, id string, is *client.ScheduleDescription) Schedule {
	next := is.Info.NextActionTimes
	out := Schedule{
		ID: id, Playbook: mine.Playbook, Trigger: mine.Trigger, Cluster: mine.Cluster, Mode: mine.last.Mode,
		Cron: mine.last.Cron, Timezone: mine.last.Timezone, Paused: is.Schedule.State.Paused, Note: is.Schedule.State.Note,
		Next: next[:min(len(next), 3)],
	}
	for _, r := range slices.Backward(is.Info.RecentActions) {
		if r.StartWorkflowResult == nil {
			continue
		}
		run := Run{Workflow: r.StartWorkflowResult.WorkflowID, Due: r.ScheduleTime, Started: r.ActualTime}
		if mine.Playbook != "" {
			run.Case = workflows.CaseID(run.Workflow, r.StartWorkflowResult.FirstExecutionRunID)
		}
		out.Last = append(out.Last, run)
	}
	return out
}

// Pause stops a schedule until it is resumed; what it has started goes on.
func (s *Schedules) Pause(ctx context.Context, id, by, reason string) error {
	if err := s.owned(ctx, id); err != nil {
		return err
	}
	return ask(ctx, "pause schedule "+id, func(ctx context.Context) error {
		return s.client.GetHandle(ctx, id).Pause(ctx, client.SchedulePauseOptions{Note: said("paused", by, reason)})
	})
}

// Resume lets a paused schedule go on.
func (s *Schedules) Resume(ctx context.Context, id, by, reason string) error {
	if err := s.owned(ctx, id); err != nil {
		return err
	}
	return ask(ctx, "resume schedule "+id, func(ctx context.Context) error {
		return s.client.GetHandle(ctx, id).Unpause(ctx, client.ScheduleUnpauseOptions{Note: said("resumed", by, reason)})
	})
}

// Delete removes a schedule; what it has started goes on.
func (s *Schedules) Delete(ctx context.Context, id string) error {
	if err := s.owned(ctx, id); err != nil {
		return err
	}
	return ask(ctx, "delete schedule "+id, func(ctx context.Context) error { return s.client.GetHandle(ctx, id).Delete(ctx) })
}

// Trigger starts a run now, paused or not. It gives the run; none where the overlap policy did not start one within the
// time that ctx leaves, or ten seconds.
func (s *Schedules) Trigger(ctx context.Context, id string) (Run, bool, error) {
	before, err := s.Get(ctx, id)
	if err != nil {
		return Run{}, false, err
	}
	err = ask(ctx, "trigger schedule "+id, func(ctx context.Context) error {
		return s.client.GetHandle(ctx, id).Trigger(ctx, client.ScheduleTriggerOptions{})
	})
	if err != nil {
		return Run{}, false, err
	}
	for range 50 {
		now, err := s.Get(ctx, id)
		if err != nil {
			return Run{}, false, err
		}
		if len(now.Last) > 0 && (len(before.Last) == 0 || now.Last[0].Workflow != before.Last[0].Workflow) {
			return now.Last[0], true, nil
		}
		select {
		case <-ctx.Done():
			return Run{}, false, ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
	return Run{}, false, nil
}

func said(verb, by, reason string) string {
	text := verb + " by " + by
	if reason != "" {
		text += ": " + reason
	}
	return workflows.Plain(text, 500)
}

// patience is how long one request may take.
const patience = 5 * time.Second

// ask makes one request.
func ask(ctx context.Context, doing string, do func(context.Context) error) error {
	ctx, done := context.WithTimeout(ctx, patience)
	defer done()
	err := do(ctx)
	var missing *serviceerror.NotFound
	var wrong *serviceerror.InvalidArgument
	switch {
	case errors.As(err, &missing):
		return fmt.Errorf("%s: %w", doing, ErrNotFound)
	case errors.As(err, &wrong) && strings.Contains(wrong.Message, "search attribute"):
		return fmt.Errorf("%s: %w (%s)", doing, ErrUnprepared, wrong.Message)
	}
	return cases.Explain(doing, err)
}

// find makes one request that changes nothing, again where the server gave up before its time: a schedule whose workflow is
// at work answers only when it has done it.
func find(ctx context.Context, doing string, do func(context.Context) error) error {
	return ask(ctx, doing, func(ctx context.Context) error {
		for {
			err := do(ctx)
			var late *serviceerror.DeadlineExceeded
			if !errors.As(err, &late) {
				return err
			}
			select {
			case <-ctx.Done():
				return err
			case <-time.After(200 * time.Millisecond):
			}
		}
	})
}

func payloads(memo map[string]any) *commonpb.Memo {
	out := &commonpb.Memo{Fields: map[string]*commonpb.Payload{}}
	for name, value := range memo {
		if p, ok := value.(*commonpb.Payload); ok {
			out.Fields[name] = p
		}
	}
	return out
}
