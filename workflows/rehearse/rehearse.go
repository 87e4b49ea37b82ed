// Package rehearse runs the tests of a playbook: the interpreter itself, in virtual time, with activities that answer as
// the test says.
package rehearse

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/playbooks/scenario"
	"github.com/firebreak-ir/firebreak/workflows"
)

// Given is what a test runs on.
type Given struct {
	Plan    plan.Plan
	Catalog activities.Catalog
	Alert   plan.Alert
	Start   time.Time // the virtual time at which the run begins
}

// Result is one test that was run.
type Result struct {
	Test   string          `json:"test"`
	Failed []string        `json:"failed,omitempty"` // one sentence for each expectation that does not hold
	Took   time.Duration   `json:"took"`             // virtual
	State  workflows.State `json:"-"`
	Ran    []Call          `json:"-"`
}

// Call is one call of an activity.
type Call struct {
	Activity string
	Step     string
	Undo     bool
}

// Run runs one test. An error is a test that cannot be run; what does not hold is in the result.
func Run(g Given, t scenario.Test) (result Result, err error) {
	defer func() {
		if r := recover(); r != nil { // the test environment panics where a workflow does
			err = fmt.Errorf("test %q: %v", t.Name, r)
		}
	}()
	s := newStage(g, t)
	in := workflows.Input{Plan: g.Plan, Alert: g.Alert, Cluster: "test", DryRun: t.DryRun, Mode: t.Mode, By: "requester", Authority: trusted()}
	if in.Inputs, err = plan.CheckInputs(g.Plan, t.Inputs); err != nil {
		return Result{}, fmt.Errorf("test %q: %w", t.Name, err)
	}
	s.RegisterDelayedCallback(func() { s.SignalWorkflow(workflows.AlertSignal, g.Alert) }, 0)
	s.people()
	s.ExecuteWorkflow(workflows.CaseWorkflow, in)
	state, err := s.state()
	if err != nil {
		return Result{}, errors.Join(fmt.Errorf("test %q: %w", t.Name, err), s.GetWorkflowError())
	}
	result = Result{Test: t.Name, State: state, Ran: s.calls(), Took: took(state)}
	result.Failed = append(s.wrong, s.expected(state)...)
	return result, nil
}

// stage is the test environment of one test.
type stage struct {
	*testsuite.TestWorkflowEnvironment

	given Given
	test  scenario.Test
	mu    sync.Mutex // activities run together
	ran   []Call
	tries map[string]int // of a mock that fails some times
	wrong []string       // answers that were not taken as they should be
}

func newStage(g Given, t scenario.Test) *stage {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.NewTextHandler(io.Discard, nil))))
	s := &stage{TestWorkflowEnvironment: suite.NewTestWorkflowEnvironment(), given: g, test: t, tries: map[string]int{}}
	s.SetWorkerOptions(worker.Options{DeadlockDetectionTimeout: time.Minute}) // a busy machine is no deadlock
	s.SetTestTimeout(time.Minute)
	if !g.Start.IsZero() {
		s.SetStartTime(g.Start)
	}
	i := workflows.New()
	s.RegisterWorkflowWithOptions(i.Case, workflow.RegisterOptions{Name: workflows.CaseWorkflow})
	s.RegisterWorkflowWithOptions(i.Lock, workflow.RegisterOptions{Name: workflows.LockWorkflow})
	s.activities()
	return s
}

func (s *stage) state() (workflows.State, error) {
	return workflows.Gather(false, func(l workflows.Look) (page workflows.StatePage, err error) {
		value, err := s.QueryWorkflow(workflows.StateQuery, l)
		if err == nil {
			err = value.Get(&page)
		}
		return page, err
	})
}

// took is the virtual time from the start to the last thing that happened.
func took(state workflows.State) time.Duration {
	last := state.Started
	for _, step := range state.Steps {
		if step.Ended.After(last) {
			last = step.Ended
		}
	}
	return last.Sub(state.Started)
}
