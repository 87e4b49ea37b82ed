package workflows

import (
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// KindNotReached is the failure of a while, or of a wait with `onTimeout: fail`, whose condition never held.
const KindNotReached = "NotReached"

// wait waits for a time, or until a condition holds that alerts and signals can make true.
func (c *incident) wait(ctx workflow.Context, s plan.Step, at *frame, path string) (entry, error) {
	w := s.Wait
	if c.in.DryRun { // nobody waits for days to learn what would be done
		return c.gives(ctx, path, "would wait", map[string]any{"met": true, "seconds": int64(0)}), nil
	}
	begun := c.at(path).Started // of the first round: the time that the case was held counts
	var broken error
	met := false
	holds := func() bool {
		if w.Until == nil || broken != nil || met {
			return met || broken != nil
		}
		met, broken = at.unit.eval.Bool(*w.Until, c.waiting(ctx, at))
		return met || broken != nil
	}
	if err := c.sleep(ctx, path, w.For, summaryOf(s.Phase, path, "waits"), holds); err != nil {
		return nil, err
	}
	switch {
	case broken != nil:
		return nil, expressionFailure(path, broken)
	case w.Until != nil && !met && w.OnTimeout == "fail":
		return nil, &failure{path, KindNotReached, fmt.Sprintf("the condition did not hold within %s: %s", w.For, w.Until.Source),
			"retry to wait once more, or skip the step with a reason"}
	}
	took := workflow.Now(ctx).Sub(begun).Round(time.Second)
	return c.gives(ctx, path, "waited "+took.String(), map[string]any{"met": met || w.Until == nil, "seconds": int64(took / time.Second)}), nil
}

// waiting is the scope of a wait's condition.
func (c *incident) waiting(ctx workflow.Context, at *frame) plan.Scope {
	scope := c.scope(ctx, at)
	signals := make([]any, 0, len(c.State.Signals))
	for _, s := range c.State.Signals {
		signals = append(signals, map[string]any{
			"name": s.Name, "by": s.By, "time": s.Time.Format(time.RFC3339Nano), "data": plan.Copy(s.Data),
		})
	}
	scope.Vars[plan.SignalsVar] = signals
	return scope
}

// sleep waits until the condition holds or the time is up, which the next run of the chain does not begin anew. A time of
// zero is no limit, where there is a condition.
func (c *incident) sleep(ctx workflow.Context, path string, most time.Duration, summary string, holds func() bool) error {
	ready := func() bool { return c.stopping(ctx) != nil || holds() }
	if most <= 0 {
		return c.awoken(ctx, path, workflow.Await(ctx, ready))
	}
	left := c.left(ctx, path, most)
	_, err := workflow.AwaitWithOptions(ctx, workflow.AwaitOptions{
		Timeout: left, TimerOptions: workflow.TimerOptions{Summary: summary},
	}, ready)
	return c.awoken(ctx, path, err)
}

func (c *incident) awoken(ctx workflow.Context, path string, err error) error {
	delete(c.Deadlines, path)
	if stop := c.stopping(ctx); stop != nil {
		return stop
	}
	var canceled *temporal.CanceledError
	if errors.As(err, &canceled) {
		return temporal.NewCanceledError()
	}
	return nil
}

// left is the time that is left of a wait, of which the deadline is kept.
func (c *incident) left(ctx workflow.Context, path string, most time.Duration) time.Duration {
	deadline, known := c.Deadlines[path]
	if !known {
		deadline = workflow.Now(ctx).Add(most).UnixNano()
		c.Deadlines[path] = deadline
	}
	return max(time.Duration(deadline-workflow.Now(ctx).UnixNano()), 0)
}
