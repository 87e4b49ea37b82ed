package workflows

import (
	"errors"
	"fmt"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// steps runs one step after the other, until one of them ends the run.
func (c *incident) steps(ctx workflow.Context, list []plan.Step, at *frame) error {
	for _, s := range list {
		if err := c.step(ctx, s, at); err != nil {
			return err
		}
	}
	return nil
}

// step runs one step and does what its onError says. The error it returns ends the run: an abort, a cancellation, or
// a failure of a step with `onError: fail`.
func (c *incident) step(ctx workflow.Context, s plan.Step, at *frame) error {
	path := at.prefix + s.ID
	if seen, through := c.finished[path]; through { // a block is run again after a hold; this part of it is done
		at.put(s.ID, seen)
		return nil
	}
	for {
		if err := c.stopping(ctx); err != nil {
			return err
		}
		seen, err := c.once(ctx, s, at, path)
		if err != nil {
			seen, err = c.afterError(ctx, s, path, err)
		}
		if seen != nil {
			c.finished[path] = seen
			at.put(s.ID, seen)
		}
		if err != nil || seen != nil {
			return err
		}
	}
}

// stopping says why nothing new may be started, if so.
func (c *incident) stopping(ctx workflow.Context) error {
	if c.aborted != nil && !c.ending {
		return c.aborted
	}
	if ctx.Err() != nil {
		return temporal.NewCanceledError()
	}
	return nil
}

// once runs the step's verb one time, unless its condition is false.
func (c *incident) once(ctx workflow.Context, s plan.Step, at *frame, path string) (entry, error) {
	c.enter(ctx, s.Phase)
	c.begin(ctx, s, path)
	if s.If != nil {
		yes, err := c.eval.Bool(*s.If, c.scope(ctx, at))
		if err != nil {
			return nil, expressionFailure(path, err)
		}
		if !yes {
			return c.skip(ctx, path, "its condition is false: "+s.If.Source), nil
		}
	}
	return c.verb(ctx, s, at, path)
}

func (c *incident) verb(ctx workflow.Context, s plan.Step, at *frame, path string) (entry, error) {
	switch {
	case s.Uses != nil:
		return c.uses(ctx, s, at, path)
	case s.Parallel != nil:
		return c.parallel(ctx, s, at, path)
	case s.Foreach != nil:
		return c.foreach(ctx, s, at, path)
	case s.Branch != nil:
		return c.branch(ctx, s, at, path)
	}
	return nil, &failure{path, string(activities.Unsupported), "this worker does not know the step's verb",
		"run workers of the version that compiled the plan, then retry"}
}

// afterError decides over a step that did not succeed. Neither an entry nor an error means: run it again.
func (c *incident) afterError(ctx workflow.Context, s plan.Step, path string, err error) (entry, error) {
	var f *failure
	var end *ended
	if c.aborted != nil && temporal.IsCanceledError(err) && !c.ending { // the abort canceled it
		err = c.aborted
	}
	switch {
	case errors.As(err, &end), !errors.As(err, &f): // an inner step or a person has decided already
		c.fail(ctx, path, err.Error())
		return nil, err
	case s.OnError == plan.Continue:
		return c.fail(ctx, path, f.cause), nil
	case s.OnError == plan.Fail:
		c.fail(ctx, path, f.cause)
		return nil, &ended{f}
	}
	return c.hold(ctx, f)
}

func expressionFailure(path string, err error) error {
	return &failure{path, KindExpression, fmt.Sprintf("evaluate: %v", err), adviceFor(KindExpression)}
}
