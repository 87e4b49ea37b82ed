package workflows_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/workflows"
)

func perNode() *plan.Guards {
	return &plan.Guards{Lock: lockName(plan.Part{Words: "node/"}, plan.Part{Expr: &plan.Expr{Source: "alert.target.node"}})}
}

// anything is how the test environment's mocks say that any value will do.
const anything = "mock.Anything"

// gives answers a lock's release.
func (e *estate) gives(b *bench) {
	b.OnSignalExternalWorkflow("default-test-namespace", anything, anything, workflows.ReleaseSignal, anything).Return(
		func(_, id, _, _ string, by any) error {
			if e.locks[id].Holder.Case == by {
				delete(e.locks, id)
			}
			return nil
		})
}

func TestTwoCasesContendForALock(t *testing.T) {
	e := &estate{}
	first := newBench(t)
	e.serve(first)
	e.gives(first)
	// The second case comes while the first one is at work; its own step comes first and finds the lock taken.
	second := func(change func(*workflows.Input)) (*bench, error) {
		b := newBench(t)
		b.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: "other-case", TaskQueue: workflows.Queue, WorkflowExecutionTimeout: 24 * time.Hour, WorkflowTaskTimeout: 10 * time.Second})
		b.does("t.act", ok("done"))
		e.serve(b)
		e.gives(b)
		b.guarded(perNode(), []plan.Step{use("a", "t.act", undoable, onError(plan.Fail))}, change)
		return b, b.GetWorkflowError()
	}
	same := func(*workflows.Input) {}
	elsewhere := func(in *workflows.Input) { in.Alert.Target.Node = "n2" }
	during := 0
	first.does("t.act", func(path string, n int32, in json.RawMessage) (any, error) {
		during++
		if during > 1 {
			return ok("done")(path, n, in)
		}
		b, err := second(same)
		if err == nil || kind(t, err) != string(activities.GuardTripped) || !strings.Contains(err.Error(), "guard lock: node/n1 is held by case "+first.state().Case) || b.calls("t.act") != 0 {
			t.Errorf("the second case got %v and called %q", err, b.called)
		}
		if _, err := second(elsewhere); err != nil {
			t.Errorf("a case on another node: %v", err)
		}
		if _, err := second(func(in *workflows.Input) { in.DryRun = true }); err != nil {
			t.Errorf("a dry run: %v", err)
		}
		return ok("done")(path, n, in)
	})
	first.guarded(perNode(), []plan.Step{use("a", "t.act", undoable), use("b", "t.act", undoable)})
	if err := first.GetWorkflowError(); err != nil || first.calls(workflows.TakeLock) != 1 || len(e.locks) != 0 {
		t.Fatalf("%v, called %q, locks left %v", err, first.called, e.locks)
	}
	if _, err := second(same); err != nil {
		t.Fatalf("after the first case: %v", err)
	}
}

// TestALockWithoutANameTrips: of two cases that do not say which node, nobody knows whether they are on the same one. A lock
// of all such cases would keep each from every other.
func TestALockWithoutANameTrips(t *testing.T) {
	whole := &plan.Guards{Lock: &plan.Value{Expr: &plan.Expr{Source: "alert.target.node"}}}
	nowhere := func(in *workflows.Input) { in.Alert.Target.Node = "" }
	for name, test := range map[string]struct {
		guards *plan.Guards
		dry    bool
		choice string
		acts   int
	}{
		"a part of the name":    {guards: perNode()},
		"the whole name":        {guards: whole},
		"people let it through": {guards: perNode(), choice: "approve", acts: 1},
		"a dry run is told":     {guards: perNode(), dry: true, acts: 1},
	} {
		t.Run(name, func(t *testing.T) {
			b, e := newBench(t), &estate{}
			b.does("t.act", ok("done"))
			e.serve(b)
			if test.choice != "" {
				test.guards.OnTrip = "approve"
				b.answers(time.Hour, "a/guards", test.choice, "ann", "")
			}
			b.guarded(test.guards, []plan.Step{use("a", "t.act", undoable, onError(plan.Fail))}, nowhere, leads, func(in *workflows.Input) { in.DryRun = test.dry })
			checks := b.state().Guards
			if len(checks) != 1 || !slices.Equal(checks[0].Tripped, []string{"lock.name"}) || !strings.Contains(checks[0].Why, "alert.target.node is empty here, so that the lock has no name") {
				t.Fatalf("%+v", checks)
			}
			err := b.GetWorkflowError()
			if b.calls("t.act") != test.acts || b.calls(workflows.TakeLock) != 0 || (err == nil) != (test.acts > 0) {
				t.Fatalf("%v, called %q", err, b.called)
			}
		})
	}
}

// TestALockIsTakenOnceOverAChainOfRuns: a case keeps its lock, and the count of its targets, when its history is left.
func TestALockIsTakenOnceOverAChainOfRuns(t *testing.T) {
	e := &estate{}
	in := planned([]plan.Step{
		use("a", "t.act", undoable, onPods("p1")), use("b", "t.act", undoable, onPods("p1", "p2")),
		use("c", "t.act", undoable, onPods("p3"), onError(plan.Fail)),
	}, nil)
	in.Plan.Guards, in.Alert.Target.Node = perNode(), "n1"
	in.Plan.Guards.Pods = 2
	runs := chain(t, in, 0, func(_ int, b *bench) {
		b.tiring("t.act", 1)
		e.serve(b)
		e.gives(b)
	})
	last := runs[len(runs)-1]
	taken, acted := 0, 0
	for _, b := range runs {
		taken += b.calls(workflows.TakeLock)
		acted += b.calls("t.act")
	}
	if len(runs) < 2 || taken != 1 || acted != 2 || len(e.locks) != 0 {
		t.Fatalf("%d runs, taken %d, acted %d, locks left %v", len(runs), taken, acted, e.locks)
	}
	if err := last.GetWorkflowError(); err == nil || !strings.Contains(err.Error(), "3 pods are more than the 2") {
		t.Fatal(err)
	}
}

// lockBench runs the lock's own workflow; open says whether its case still runs.
func lockBench(t *testing.T, open func(asked int) bool) *bench {
	t.Helper()
	b := newBench(t)
	b.RegisterWorkflowWithOptions(workflows.New().Lock, workflow.RegisterOptions{Name: workflows.LockWorkflow})
	asked := 0
	b.RegisterActivityWithOptions(func(context.Context, workflows.ActivityInput) (workflows.CaseOpenOut, error) {
		asked++
		return workflows.CaseOpenOut{Open: open(asked)}, nil
	}, activity.RegisterOptions{Name: workflows.CaseOpen})
	return b
}

func TestALockLivesAsLongAsItsCase(t *testing.T) {
	tests := map[string]struct {
		open  func(int) bool
		give  string // the case that gives it back after 12 minutes
		want  string
		after time.Duration
	}{
		"given back":                 {func(int) bool { return true }, "mine", "its case gave it back", 12 * time.Minute},
		"somebody else gives it":     {func(n int) bool { return n < 4 }, "other", "its case has ended", 22 * time.Minute},
		"its case was terminated":    {func(n int) bool { return n < 3 }, "", "its case has ended", 15 * time.Minute},
		"its case ends at the first": {func(int) bool { return false }, "", "its case has ended", 5 * time.Minute},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := lockBench(t, test.open)
			if test.give != "" {
				b.RegisterDelayedCallback(func() { b.SignalWorkflow(workflows.ReleaseSignal, test.give) }, 12*time.Minute)
			}
			start := b.Now()
			b.ExecuteWorkflow(workflows.LockWorkflow, workflows.LockInput{Name: "node/n1", Holder: workflows.Holder{Case: "mine", Workflow: "w"}})
			var out workflows.LockResult
			if err := b.GetWorkflowResult(&out); err != nil || !strings.HasPrefix(out.Why, test.want) {
				t.Fatalf("%+v, %v", out, err)
			}
			if took := b.Now().Sub(start).Round(time.Minute); took != test.after {
				t.Fatalf("it took %s", took)
			}
		})
	}
}
