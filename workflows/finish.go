package workflows

import (
	"errors"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/activities"
)

// finish runs what was asked to be taken back and `finally`, on a context that no cancellation reaches, and says how the
// case ended.
func (c *incident) finish(ctx workflow.Context, root *frame) (Result, error) {
	err := c.End.error()
	detached, release := workflow.NewDisconnectedContext(ctx)
	defer release()
	c.takeBack(detached)
	_, c.State.Outcome = c.verdict(err) // what reports in `finally` say; the case is open until they are written
	last := c.finally(detached, root)
	c.takeWaiting(detached) // an alert that came with the last activity's end is counted too
	if last != nil && (err == nil || isStopped(err)) {
		err = last
	}
	if err == nil || isStopped(err) {
		c.outputs(detached, root)
	}
	c.State.Status, c.State.Outcome = c.verdict(err)
	c.State.Ended, c.State.Holds = workflow.Now(ctx), nil
	c.unlock(detached)
	c.withdraw(detached)
	c.publish(detached)
	c.mark(detached, c.State.Outcome)
	c.show(detached)
	c.render(detached)
	switch {
	case c.State.Status == Completed:
		return Result{
			Case: c.State.Case, Outcome: c.State.Outcome, Alerts: c.State.Alerts, Outputs: c.State.Outputs, Missing: c.State.Missing,
			Objectives: c.State.Objectives,
		}, nil
	case temporal.IsCanceledError(err):
		return Result{}, temporal.NewCanceledError()
	}
	return Result{}, failed(err)
}

// takeBack undoes the changes where a person, or the playbook, ended the steps so.
func (c *incident) takeBack(ctx workflow.Context) {
	if c.End == nil || !c.End.TakeBack {
		return
	}
	c.unwind(ctx, "rollback")
}

// finally runs every step of `finally`, also after one of them failed or was aborted: sealing must not depend on a
// report.
func (c *incident) finally(ctx workflow.Context, root *frame) error {
	inside := root.inner("", "")
	var errs []error
	for _, s := range c.in.Plan.Finally {
		errs = append(errs, c.step(ctx, s, inside))
	}
	root.adopt(inside)
	return gravest(errs)
}

// outputs gives what the playbook makes known of a run that is through. One that cannot be given, such as that of a step
// which a person skipped or which the run never came to, is left out and named: what was done to the cluster stays done,
// and the run's outcome tells of that.
func (c *incident) outputs(ctx workflow.Context, root *frame) {
	scope := c.scope(ctx, root)
	for _, e := range c.in.Plan.Outputs {
		value, err := c.root.eval.Value(e.Value, scope)
		if err != nil {
			c.State.Missing = append(c.State.Missing, MissingOutput{Name: e.Key, Why: err.Error()})
			continue
		}
		if c.State.Outputs == nil {
			c.State.Outputs = map[string]any{}
		}
		c.State.Outputs[e.Key] = value
	}
}

// The outcomes of a case. A playbook's `stop` gives others.
const (
	OutcomeContained  = "contained"        // a change of the contain phase was done, and none of its steps failed
	OutcomePartly     = "partly contained" // the same, but a step of the phase failed or was passed over
	OutcomeCompleted  = "completed"        // the plan is through, and the contain phase changed nothing
	OutcomeRehearsed  = "rehearsed"        // a dry run is through
	OutcomeFailed     = "failed"
	OutcomeCanceled   = "canceled"
	OutcomeAborted    = "aborted"
	OutcomeRolledBack = "rolled back" // what the run had changed was taken back, because a person or the playbook said so

	OutcomePartlyRolledBack = "partly rolled back" // the same, but some of it could not be: Standing names it
)

func (c *incident) verdict(err error) (Status, string) {
	var abort *aborted
	var stop *stopped
	switch {
	case c.End != nil && c.End.TakeBack && len(c.State.Standing) > 0:
		return Failed, OutcomePartlyRolledBack
	case c.End != nil && c.End.TakeBack:
		return Failed, OutcomeRolledBack
	case errors.As(err, &abort):
		return Failed, OutcomeAborted
	case temporal.IsCanceledError(err):
		return Canceled, OutcomeCanceled
	case errors.As(err, &stop):
		return Completed, stop.Outcome
	case err != nil:
		return Failed, OutcomeFailed
	case c.in.DryRun:
		return Completed, OutcomeRehearsed
	}
	return Completed, c.containment()
}

// containment is honest: what failed in the contain phase, or was passed over by a person or by onError, is told even
// where something else was changed. What was taken back contains nothing.
func (c *incident) containment() string {
	changed, missed := false, false
	for _, s := range c.State.Steps {
		switch {
		case s.Phase != "contain":
		case s.Status == activities.StepFailed, s.Error != "":
			missed = true
		case s.Activity != "" && s.Status == activities.StepDone && c.stands(s.Path):
			changed = true
		}
	}
	switch {
	case changed && missed:
		return OutcomePartly
	case changed:
		return OutcomeContained
	}
	return OutcomeCompleted
}
