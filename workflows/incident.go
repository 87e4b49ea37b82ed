package workflows

import (
	"errors"
	"strings"

	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// incident is one case as it runs. Every field lives in the workflow's own coroutines: no lock is needed, and nothing
// is shared with another run. What must outlive the run, when its history grows long, is in the embedded Carry.
type incident struct {
	Carry

	in        Input
	root      *unit
	units     map[string]*unit // playbooks that steps call, by the hash of their plans
	holds     []*hold
	asked     []*asked
	aborted   *aborted                     // the decision that ended the steps
	stop      workflow.CancelFunc          // ends the steps, and what they have in flight
	calledOff func() bool                  // the steps were ended so, or by a cancellation of the run
	recorded  map[string]int               // path -> index in State.Steps
	finished  map[string]entry             // path -> what expressions see of a step that is through; written once
	places    []string                     // of all steps: paths without iterations, in the order of the playbook
	effects   map[string]activities.Effect // of the activities at these places
	entered   map[string]bool              // paths of the steps that the run before this one was inside of
	busy      int                          // activities in flight: a run is not left while there are any
	stale     bool                         // the live page is to be written anew
	rows      []row                        // of the live page
	page      int                          // how long the live page was, in bytes
	draining  bool                         // nothing new is started, so that the run can be left
	staying   bool                         // the run cannot be left: there is too much to hand on
	guards    workflow.Mutex               // what the guards ask once a case is asked by one step at a time
}

// unit is a playbook as it runs: the case's own, or one that a step calls.
type unit struct {
	plan   plan.Plan
	eval   *plan.Evaluator
	inputs map[string]any
	place  string // path of the step that calls it; empty: the case's own
}

// Interpreter holds the workflows. What it keeps between runs is a cache of parsed expressions.
type Interpreter struct{ eval *plan.Evaluator }

// New gives the interpreter that a worker registers.
func New() *Interpreter { return &Interpreter{eval: plan.NewEvaluator()} }

// Case runs one compiled plan from its first step to its last, then `finally`, whatever happened. It is registered as
// CaseWorkflow. A long case is a chain of runs: each hands what it knows to the next.
func (i *Interpreter) Case(ctx workflow.Context, in Input) (Result, error) {
	c, err := i.incident(ctx, in)
	if err != nil {
		return Result{}, flat(string(activities.InvalidInput), err.Error())
	}
	if err := errors.Join(c.listen(ctx), c.tag(ctx)); err != nil {
		return Result{}, flat(KindTemporary, err.Error())
	}
	c.show(ctx)
	var result Result
	through := false
	workflow.GoNamed(ctx, "steps", func(ctx workflow.Context) {
		result, err = c.run(ctx)
		through = true
	})
	if next := c.leave(ctx, &through); next != nil {
		return Result{}, next
	}
	return result, err
}

// run goes through the steps and then through `finally`, or on from where the run before this one was left.
func (c *incident) run(ctx workflow.Context) (Result, error) {
	at := &frame{unit: c.root}
	running, stop := workflow.WithCancel(ctx)
	defer stop()
	c.stop, c.calledOff = stop, func() bool { return running.Err() != nil }
	if c.aborted != nil { // in the first task of this run
		stop()
	}
	if c.End == nil {
		err := c.steps(running, c.in.Plan.Steps, at)
		if c.aborted != nil { // whatever the last step made of it
			err = c.aborted
		}
		c.End = endOf(err)
	} else {
		c.revisit(at, c.in.Plan.Steps)
	}
	return c.finish(ctx, at)
}

// CaseID is the case's id: the workflow's id and eight digits of its first run's, which are the first ones of a random
// run id. A run id of version 7 begins with the time, which runs of one minute share; its last digits are random.
func CaseID(workflowID, firstRunID string) string {
	workflowID = withoutTime(workflowID)
	digits := strings.ReplaceAll(firstRunID, "-", "")
	if len(digits) == 32 && digits[12] == '7' {
		return workflowID + "." + digits[24:]
	}
	return workflowID + "." + digits[:min(8, len(digits))]
}

func (i *Interpreter) incident(ctx workflow.Context, in Input) (*incident, error) {
	c := &incident{
		in: in, stop: func() {}, calledOff: func() bool { return false }, units: map[string]*unit{},
		recorded: map[string]int{}, finished: map[string]entry{}, entered: map[string]bool{}, effects: map[string]activities.Effect{},
	}
	if in.Mode == "" {
		c.in.Mode = plan.Live
	}
	eval, err := i.eval.For(in.Plan)
	if err != nil {
		return nil, err
	}
	c.root = &unit{plan: in.Plan, eval: eval, inputs: in.Inputs}
	for _, called := range in.Plan.Playbooks {
		eval, err := i.eval.For(called)
		if err != nil {
			return nil, err
		}
		c.units[called.Hash] = &unit{plan: called, eval: eval}
	}
	if len(in.Resume) == 0 {
		c.in = dated(ctx, c.in)
	}
	c.survey(in.Plan, "")
	c.Carry = fresh(ctx, c.in)
	c.State.Steps = make([]activities.StepRecord, 0, len(c.places)) // they are large, and moved whenever there are too many
	c.node(c.in.Alert.Target.Node)
	if len(in.Resume) > 0 {
		err = c.resume(ctx, in.Resume)
	}
	return c, err
}

func fresh(ctx workflow.Context, in Input) Carry {
	info := workflow.GetInfo(ctx)
	return Carry{
		Marked: string(Running), Rounds: map[string]int{}, Tries: map[string]int{}, Deadlines: map[string]int64{},
		Choices: map[string]int{}, Lists: map[string][]any{}, Edits: map[string]map[string]any{}, Failing: map[string]*failure{}, Fatal: map[string]*failure{}, Paged: map[string]bool{},
		Reminders: map[string]*Reminder{},
		State: State{
			Status: Running,
			Record: activities.Record{
				Case: CaseID(info.WorkflowExecution.ID, info.FirstRunID), Playbook: in.Plan.Name,
				Version: in.Plan.Version, Title: in.Plan.Title, PlanHash: in.Plan.Hash, Cluster: in.Cluster,
				Workflow: info.WorkflowExecution.ID, Run: info.WorkflowExecution.RunID, DryRun: in.DryRun,
				Mode: string(in.Mode), Reopens: in.Reopens, Alerts: alertsOf(in),
				Started: workflow.Now(ctx), Alert: in.Alert, Steps: []activities.StepRecord{},
			},
		},
	}
}

// listen answers queries and takes decisions.
func (c *incident) listen(ctx workflow.Context) error {
	return errors.Join(
		workflow.SetQueryHandler(ctx, StateQuery, c.statePage),
		workflow.SetQueryHandler(ctx, WaitingQuery, c.waits),
		workflow.SetQueryHandler(ctx, PlanQuery, func() (plan.Plan, error) { return c.in.Plan, nil }),
		workflow.SetQueryHandler(ctx, UndoQuery, c.undoable),
		c.takeDecisions(ctx),
		c.takeVotes(ctx),
	)
}
