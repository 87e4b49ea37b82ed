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
	for i, s := range list {
		at.rest = list[i+1:]
		if err := c.step(ctx, s, at); err != nil {
			return err
		}
	}
	return nil
}

// step runs one step and does what its onError says. The error it returns ends the run: an abort, a cancellation, a
// `stop`, or a failure of a step with `onError: fail`.
func (c *incident) step(ctx workflow.Context, s plan.Step, at *frame) error {
	path := at.prefix + s.ID
	if seen, through := c.finished[path]; through { // a block is gone through again; this part of it is done
		at.put(s.ID, seen)
		return nil
	}
	if f := c.Fatal[path]; f != nil {
		return &ended{failure: f, takeBack: s.OnError == plan.RollBack}
	}
	for {
		if err := c.gate(ctx); err != nil {
			return err
		}
		seen, err := c.round(ctx, s, at, path)
		if seen != nil {
			c.finished[path] = seen
			at.put(s.ID, seen)
		}
		if err != nil || seen != nil {
			return err
		}
	}
}

// round runs the step once, or goes on with its failure. Neither an entry nor an error means: run it again.
func (c *incident) round(ctx workflow.Context, s plan.Step, at *frame, path string) (entry, error) {
	if f := c.Failing[path]; f != nil { // the run before had come to it
		return c.afterFailure(ctx, s, at, path, f)
	}
	seen, err := c.once(ctx, s, at, path)
	if err != nil {
		return c.afterError(ctx, s, at, path, err)
	}
	return seen, nil
}

// stopping says why nothing new may be started, if so. What a called playbook closes with goes on.
func (c *incident) stopping(ctx workflow.Context) error {
	if c.aborted != nil && c.End == nil && !closing(ctx) {
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
	again := len(c.entered) > 0 && c.again(path)
	c.begin(ctx, s, path)
	if s.If != nil && !again {
		yes, err := at.unit.eval.Bool(*s.If, c.scope(ctx, at))
		if err != nil {
			return nil, expressionFailure(path, err)
		}
		if !yes {
			return c.skip(ctx, path, "its condition is false: "+s.If.Source), nil
		}
	}
	if s.Requires != nil && s.Branch == nil && !again { // an if requires it of what it chooses
		if err := c.secured(ctx, s, path); err != nil {
			return nil, err
		}
	}
	return c.verb(ctx, s, at, path)
}

// verb is the one list of what a step can do.
func (c *incident) verb(ctx workflow.Context, s plan.Step, at *frame, path string) (entry, error) {
	switch {
	case s.While != nil:
		return c.while(ctx, s, at, path)
	case s.Uses != nil:
		return c.uses(ctx, s, at, path)
	case s.Parallel != nil:
		return c.parallel(ctx, s, at, path)
	case s.Foreach != nil:
		return c.foreach(ctx, s, at, path)
	case s.Branch != nil:
		return c.branch(ctx, s, at, path)
	case s.Switch != nil:
		return c.choose(ctx, s, at, path)
	case s.Wait != nil:
		return c.wait(ctx, s, at, path)
	case s.Approve != nil:
		return c.approve(ctx, s, at, path)
	case s.Call != nil:
		return c.call(ctx, s, at, path)
	case s.Set != nil:
		return c.set(ctx, s, at, path)
	case s.Rollback != nil:
		return c.rollback(ctx, s, at, path)
	case s.Stop != nil:
		return nil, c.halt(ctx, s, at, path)
	}
	return nil, &failure{path, string(activities.Unsupported), "this worker does not know the step's verb",
		"run workers of the version that compiled the plan, then retry"}
}

// afterError decides over a step that did not succeed. Neither an entry nor an error means: run it again.
func (c *incident) afterError(ctx workflow.Context, s plan.Step, at *frame, path string, err error) (entry, error) {
	var f *failure
	var end *ended
	var stop *stopped
	if c.aborted != nil && temporal.IsCanceledError(err) && c.End == nil { // the abort canceled it
		err = c.aborted
	}
	switch {
	case errors.As(err, &stop):
		c.done(ctx, path, stop.Error(), entry{})
		return nil, err
	case errors.As(err, &end), !errors.As(err, &f): // an inner step or a person has decided already
		c.fail(ctx, path, err.Error())
		return nil, err
	}
	c.Failing[path] = f
	return c.afterFailure(ctx, s, at, path, f)
}

// afterFailure does what the playbook says of a failure that retries did not mend. A worker that lacks the plan's activity is
// no failure of the step: the run holds, whatever the playbook says.
func (c *incident) afterFailure(ctx workflow.Context, s plan.Step, at *frame, path string, f *failure) (seen entry, err error) {
	if f.Kind == KindCatalog && (!closing(ctx) || c.aborted == nil) {
		seen, err = c.hold(ctx, f)
		delete(c.Failing, path)
		return seen, err
	}
	which, f := c.catching(ctx, s, at, path, f)
	switch {
	case which >= 0:
		seen, err = c.catch(ctx, s, at, path, which, f)
	case s.OnError == plan.Continue, closing(ctx) && c.aborted != nil:
		seen = c.fail(ctx, path, f.Cause)
	case s.OnError == plan.Fail, s.OnError == plan.RollBack, lapsed(s, f):
		c.fail(ctx, path, f.Cause)
		c.Fatal[path] = f
		err = &ended{failure: f, takeBack: s.OnError == plan.RollBack}
	default:
		seen, err = c.hold(ctx, f)
	}
	delete(c.Failing, path)
	return seen, err
}

func expressionFailure(path string, err error) error {
	return &failure{path, KindExpression, fmt.Sprintf("evaluate: %v", err), adviceFor(KindExpression)}
}
