package cases

import (
	"context"
	"errors"
	"fmt"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/workflows"
)

// Held is a step that waits for a decision.
type Held = workflows.HeldStep

// Pending is one activity that is being worked on now.
type Pending struct {
	Path     string              `json:"path"`
	Activity string              `json:"activity"`
	Attempt  int                 `json:"attempt"`
	Progress activities.Progress `json:"progress,omitzero"`
	Failure  string              `json:"failure,omitempty"` // of the attempt before
	Started  bool                `json:"started"`           // false: waits for a worker, or for its next attempt
}

// View is a case at one moment: its state, and what is being worked on.
type View struct {
	workflows.State

	Pending []Pending `json:"pending,omitempty"`
	// Unattended are the task queues where work of the case waits and that no worker polls.
	Unattended []string `json:"unattended,omitempty"`
	// Problem says why the state is not fresh, such as a worker that is down: the case itself goes on.
	Problem string `json:"problem,omitempty"`
}

func (v View) ended() bool { return v.Status != workflows.Running && v.Status != workflows.Held }

// State asks the case for its state; it answers after it has closed, too.
func (c *Cases) State(ctx context.Context, of Case) (workflows.State, error) {
	return c.state(ctx, of, false)
}

// state asks page by page. With bare the outputs of a large case are left out but for those of its first page.
func (c *Cases) state(ctx context.Context, of Case, bare bool) (workflows.State, error) {
	return workflows.Gather(bare, func(l workflows.Look) (workflows.StatePage, error) {
		return ask[workflows.StatePage](ctx, c, of, workflows.StateQuery, l)
	})
}

// Waiting asks what the case waits for: what people are to decide about it, and no more.
func (c *Cases) Waiting(ctx context.Context, of Case) (workflows.Waiting, error) {
	all, err := ask[workflows.Waiting](ctx, c, of, workflows.WaitingQuery, 0)
	for next := all.Next; err == nil && next > 0; {
		var page workflows.Waiting
		if page, err = ask[workflows.Waiting](ctx, c, of, workflows.WaitingQuery, next); err == nil {
			all.Holds, all.Questions = append(all.Holds, page.Holds...), append(all.Questions, page.Questions...)
		}
		next = page.Next
	}
	return all, err
}

// Plan asks for the plan that the case runs.
func (c *Cases) Plan(ctx context.Context, of Case) (plan.Plan, error) {
	return ask[plan.Plan](ctx, c, of, workflows.PlanQuery)
}

// ask asks again for a while where no worker answers: one that was killed and started again needs some seconds until
// Temporal gives it the old one's runs.
func ask[T any](ctx context.Context, c *Cases, of Case, query string, args ...any) (T, error) {
	inner, done := context.WithTimeout(ctx, takeover)
	defer done()
	for {
		var out T
		now, _, err := c.current(inner, of)
		if err != nil {
			return out, c.silence(ctx, of, err)
		}
		value, err := c.client.QueryWorkflow(inner, now.Workflow, now.Run, query, args...)
		if err == nil {
			err = value.Get(&out)
		}
		again := untaken(err)
		err = explain("ask case "+of.ID, err)
		if !again && !errors.Is(err, ErrNoWorker) || !pause(inner) {
			return out, c.silence(ctx, of, err)
		}
	}
}

// untaken recognises a question that Temporal held for a worker until it lost patience, which is sooner than takeover.
func untaken(err error) bool {
	var late *serviceerror.DeadlineExceeded
	return errors.As(err, &late)
}

// pause waits before asking again; false when the time is up.
func pause(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(300 * time.Millisecond):
		return true
	}
}

// silence tells a worker that does not answer from a Temporal that does not: a query needs both.
func (c *Cases) silence(ctx context.Context, of Case, err error) error {
	if !errors.Is(err, ErrUnavailable) || ctx.Err() != nil {
		return err
	}
	if c.Check(ctx) != nil {
		return err
	}
	return fmt.Errorf("case %s: %w", of.ID, ErrNoWorker)
}

// View asks for the state and for what is being worked on.
func (c *Cases) View(ctx context.Context, of Case) (View, error) { return c.view(ctx, of, false) }

func (c *Cases) view(ctx context.Context, of Case, bare bool) (View, error) {
	of, _, err := c.current(ctx, of)
	if err != nil {
		return View{}, err
	}
	info, err := c.describe(ctx, of.Workflow, of.Run)
	if err != nil {
		return View{}, err
	}
	state, err := c.state(ctx, of, bare)
	if err != nil {
		return View{}, err
	}
	now := caseOf(info.GetWorkflowExecutionInfo())
	if !now.Open() { // a terminated run cannot say so itself
		state.Status = now.Status
	}
	pending := info.GetPendingActivities()
	return View{State: state, Pending: pendingOf(pending, c.decoder()), Unattended: c.unattended(ctx, pending)}, nil
}

// Watch shows the case whenever it has changed, until it ends or ctx does. While no worker or no Temporal answers it
// shows the last view with the problem and goes on. While the case is open, long outputs of a large one are left out.
func (c *Cases) Watch(ctx context.Context, of Case, every time.Duration, show func(View) error) (View, error) {
	var last View
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		view, err := c.view(ctx, of, true)
		if err == nil && view.ended() {
			view, err = c.View(ctx, of)
		}
		switch {
		case err == nil:
			last = view
		case errors.Is(err, ErrNoWorker), errors.Is(err, ErrUnavailable):
			last.Problem = err.Error()
		default:
			return last, err
		}
		if err := show(last); err != nil {
			return last, err
		}
		if err == nil && last.ended() {
			return last, nil
		}
		select {
		case <-ctx.Done():
			return last, ctx.Err()
		case <-tick.C:
		}
	}
}

func (c *Cases) describe(ctx context.Context, workflow, run string) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	ctx, done := context.WithTimeout(ctx, patience)
	defer done()
	info, err := c.client.DescribeWorkflowExecution(ctx, workflow, run)
	return info, explain("find case "+workflow, err)
}

func missing(err error) bool { return errors.Is(err, ErrNotFound) }

func pendingOf(list []*workflowpb.PendingActivityInfo, decode converter.DataConverter) []Pending {
	var out []Pending
	for _, one := range list {
		p := Pending{
			Path: one.GetActivityId(), Activity: one.GetActivityType().GetName(), Attempt: int(one.GetAttempt()),
			Started: one.GetState() == enumspb.PENDING_ACTIVITY_STATE_STARTED,
		}
		p.Progress = progressOf(one.GetHeartbeatDetails(), decode)
		if failure := one.GetLastFailure(); failure != nil {
			converter.DecodeCommonFailureAttributes(decode, failure)
			p.Failure = failure.GetMessage()
		}
		out = append(out, p)
	}
	return out
}

func progressOf(beat *commonpb.Payloads, decode converter.DataConverter) activities.Progress {
	var p activities.Progress
	if len(beat.GetPayloads()) == 0 || decode.FromPayloads(beat, &p) != nil {
		return activities.Progress{}
	}
	return p
}
