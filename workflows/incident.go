package workflows

import (
	"errors"
	"strings"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// incident is one case as it runs. Every field lives in the workflow's own coroutines: no lock is needed, and nothing
// is shared with another run.
type incident struct {
	in       Input
	eval     *plan.Evaluator
	state    State
	changes  []Undoable
	holds    []*hold
	aborted  *aborted            // the decision that ended the steps
	ending   bool                // the steps are over: `finally` runs
	stop     workflow.CancelFunc // ends the steps, and what they have in flight
	marked   string              // the outcome that the lists show
	recorded map[string]int      // path -> index in state.Steps
	finished map[string]entry    // path -> what expressions see of a step that is through; written once
	rounds   map[string]int      // path -> how often the step was run
}

// Interpreter holds the two workflows. What it keeps between runs is a cache of parsed expressions.
type Interpreter struct{ eval *plan.Evaluator }

// New gives the interpreter that a worker registers.
func New() *Interpreter { return &Interpreter{eval: plan.NewEvaluator()} }

// Case runs one compiled plan from its first step to its last, then `finally`, whatever happened. It is registered as
// CaseWorkflow.
func (i *Interpreter) Case(ctx workflow.Context, in Input) (Result, error) {
	eval, err := i.eval.For(in.Plan)
	if err != nil {
		return Result{}, flat(string(activities.InvalidInput), err.Error())
	}
	c := newIncident(ctx, in, eval)
	running, stop := workflow.WithCancel(ctx)
	defer stop()
	c.stop = stop
	if err := errors.Join(c.listen(ctx), c.tag(ctx)); err != nil {
		return Result{}, flat(KindTemporary, err.Error())
	}
	c.show(ctx)
	root := &frame{}
	err = c.steps(running, in.Plan.Steps, root)
	return c.finish(ctx, root, err)
}

// CaseID is the case's id: the workflow's id and eight digits of its first run's, which are the first ones of a random
// run id. A run id of version 7 begins with the time, which runs of one minute share; its last digits are random.
func CaseID(workflowID, firstRunID string) string {
	digits := strings.ReplaceAll(firstRunID, "-", "")
	if len(digits) == 32 && digits[12] == '7' {
		return workflowID + "." + digits[24:]
	}
	return workflowID + "." + digits[:min(8, len(digits))]
}

func newIncident(ctx workflow.Context, in Input, eval *plan.Evaluator) *incident {
	info := workflow.GetInfo(ctx)
	return &incident{
		in: in, eval: eval, marked: string(Running),
		recorded: map[string]int{}, finished: map[string]entry{}, rounds: map[string]int{},
		state: State{
			Status: Running,
			Record: activities.Record{
				Case: CaseID(info.WorkflowExecution.ID, info.FirstRunID), Playbook: in.Plan.Name,
				Version: in.Plan.Version, Title: in.Plan.Title, PlanHash: in.Plan.Hash, Cluster: in.Cluster,
				Workflow: info.WorkflowExecution.ID, Run: info.WorkflowExecution.RunID, DryRun: in.DryRun,
				Started: workflow.Now(ctx), Alert: in.Alert, Steps: []activities.StepRecord{},
			},
		},
	}
}

// listen answers queries, counts alerts and takes decisions.
func (c *incident) listen(ctx workflow.Context) error {
	c.countAlerts(ctx)
	return errors.Join(
		workflow.SetQueryHandler(ctx, StateQuery, func() (State, error) { return c.state, nil }),
		workflow.SetQueryHandler(ctx, PlanQuery, func() (plan.Plan, error) { return c.in.Plan, nil }),
		workflow.SetQueryHandler(ctx, UndoQuery, func() ([]Undoable, error) { return c.changes, nil }),
		c.takeDecisions(ctx),
	)
}

// finish runs `finally` on a context that no cancellation reaches, and says how the case ended.
func (c *incident) finish(ctx workflow.Context, root *frame, err error) (Result, error) {
	if c.aborted != nil { // whatever the last step made of it
		err = c.aborted
	}
	c.ending = true
	_, c.state.Outcome = c.verdict(err) // what reports in `finally` say; the case is open until they are written
	detached, release := workflow.NewDisconnectedContext(ctx)
	defer release()
	last := c.finally(detached, root)
	c.settle(detached)
	if err == nil {
		err = last
	}
	if err == nil {
		err = c.outputs(detached, root)
	}
	c.state.Status, c.state.Outcome = c.verdict(err)
	c.state.Ended, c.state.Holds = workflow.Now(ctx), nil
	c.mark(detached, c.state.Outcome)
	c.show(detached)
	switch {
	case err == nil:
		return Result{Case: c.state.Case, Outcome: c.state.Outcome, Alerts: c.state.Alerts, Outputs: c.state.Outputs}, nil
	case temporal.IsCanceledError(err):
		return Result{}, temporal.NewCanceledError()
	}
	return Result{}, failed(err)
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

func (c *incident) outputs(ctx workflow.Context, root *frame) error {
	if len(c.in.Plan.Outputs) == 0 {
		return nil
	}
	values, err := c.eval.Entries(c.in.Plan.Outputs, c.scope(ctx, root))
	if err != nil {
		return &failure{"outputs", KindExpression, err.Error(), "correct the playbook's outputs"}
	}
	c.state.Outputs = values
	return nil
}

// The outcomes of a case.
const (
	OutcomeContained = "contained"        // a change of the contain phase was done, and none of its steps failed
	OutcomePartly    = "partly contained" // the same, but a step of the phase failed or was passed over
	OutcomeCompleted = "completed"        // the plan is through, and the contain phase changed nothing
	OutcomeRehearsed = "rehearsed"        // a dry run is through
	OutcomeFailed    = "failed"
	OutcomeCanceled  = "canceled"
	OutcomeAborted   = "aborted"
)

func (c *incident) verdict(err error) (Status, string) {
	var abort *aborted
	switch {
	case errors.As(err, &abort):
		return Failed, OutcomeAborted
	case temporal.IsCanceledError(err):
		return Canceled, OutcomeCanceled
	case err != nil:
		return Failed, OutcomeFailed
	case c.in.DryRun:
		return Completed, OutcomeRehearsed
	}
	return Completed, c.containment()
}

// containment is honest: what failed in the contain phase, or was passed over by a person or by onError, is told even
// where something else was changed.
func (c *incident) containment() string {
	changed, missed := false, false
	for _, s := range c.state.Steps {
		switch {
		case s.Phase != "contain":
		case s.Status == activities.StepFailed, s.Error != "":
			missed = true
		case s.Activity != "" && s.Status == activities.StepDone && c.registered(s.Path) >= 0:
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
