package workflows_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/workflows"
)

// rateBench runs the count of a rate and asks it; answers stand by the ids of the cases.
type rateBench struct {
	*bench

	answers map[string]workflows.RecentRunsOut
}

func newRate(t *testing.T) *rateBench {
	t.Helper()
	r := &rateBench{bench: newBench(t), answers: map[string]workflows.RecentRunsOut{}}
	r.RegisterWorkflowWithOptions(workflows.New().Rate, workflow.RegisterOptions{Name: workflows.RateWorkflow})
	return r
}

type admission struct {
	*updated

	give func(workflows.RecentRunsOut)
}

func (a admission) Complete(out any, err error) {
	a.failed = err
	if given, ok := out.(workflows.RecentRunsOut); ok {
		a.give(given)
	}
}

func (r *rateBench) asks(at time.Duration, in workflows.RecentRunsIn, per time.Duration) {
	r.RegisterDelayedCallback(func() {
		in.Since = r.Now().Add(-per)
		r.UpdateWorkflow(workflows.AdmitUpdate, "", admission{&updated{}, func(out workflows.RecentRunsOut) { r.answers[in.Case] = out }}, in)
	}, at)
}

// TestARateIsExactForCasesThatBeginTogether: the lists know none of them yet.
func TestARateIsExactForCasesThatBeginTogether(t *testing.T) {
	r := newRate(t)
	ask := func(id string) workflows.RecentRunsIn { return workflows.RecentRunsIn{Case: id, Of: "p", Most: 3} }
	for i := range 20 {
		r.asks(time.Second+time.Duration(i)*time.Millisecond, ask(fmt.Sprintf("storm-%02d", i)), time.Hour)
	}
	r.asks(time.Minute, ask("storm-01"), time.Hour) // its activity was tried again
	r.RegisterDelayedCallback(func() { r.SignalWorkflow(workflows.WithdrawSignal, "storm-00") }, 2*time.Minute)
	r.asks(3*time.Minute, ask("later"), time.Hour)
	listed := ask("listed")
	listed.Most, listed.Listed = 5, []string{"storm-02", "old"}
	r.asks(4*time.Minute, listed, time.Hour)
	r.asks(5*time.Minute, workflows.RecentRunsIn{Case: "other", Of: "q", Playbook: "q", Most: 1}, time.Hour)
	r.asks(64*time.Minute+30*time.Second, ask("tomorrow"), time.Hour)
	begin := r.Now()
	r.ExecuteWorkflow(workflows.RateWorkflow, workflows.RateInput{Cluster: "lab"})
	if err := r.GetWorkflowError(); err != nil {
		t.Fatal(err)
	}
	admitted := 0
	for i := range 20 {
		if out := r.answers[fmt.Sprintf("storm-%02d", i)]; out.Admitted {
			admitted++
		} else if out.Runs != 3 {
			t.Fatalf("%+v", out)
		}
	}
	want := map[string]workflows.RecentRunsOut{
		"storm-01": {Runs: 2, Admitted: true}, // storm-00 and storm-02
		"later":    {Runs: 2, Admitted: true}, // storm-00 was withdrawn
		"listed":   {Runs: 4, Admitted: true}, // storm-02 is in both
		"other":    {Admitted: true},          // of another playbook
		"tomorrow": {Runs: 1, Admitted: true}, // of the last hour: the other playbook's
	}
	for id, out := range want {
		if d := cmp.Diff(out, r.answers[id]); d != "" {
			t.Errorf("%s: %s", id, d)
		}
	}
	if took := r.Now().Sub(begin).Round(time.Minute); admitted != 3 || took < 124*time.Minute || took > 127*time.Minute {
		t.Fatalf("%d admitted, ended after %s", admitted, took)
	}
}

func TestARateIsAChainOfRuns(t *testing.T) {
	r := newRate(t)
	r.asks(time.Second, workflows.RecentRunsIn{Case: "a", Of: "p", Most: 3}, time.Hour)
	r.RegisterDelayedCallback(func() { r.SetCurrentHistoryLength(4000) }, time.Minute/2)
	r.ExecuteWorkflow(workflows.RateWorkflow, workflows.RateInput{Cluster: "lab"})
	var next *workflow.ContinueAsNewError
	if !errors.As(r.GetWorkflowError(), &next) {
		t.Fatal(r.GetWorkflowError())
	}
	var in workflows.RateInput
	if err := converter.GetDefaultDataConverter().FromPayloads(next.Input, &in); err != nil || in.Keep != time.Hour {
		t.Fatal(err, in)
	}
	second := newRate(t)
	second.asks(time.Second, workflows.RecentRunsIn{Case: "b", Of: "p", Most: 1}, time.Hour)
	second.ExecuteWorkflow(workflows.RateWorkflow, in)
	if out := second.answers["b"]; second.GetWorkflowError() != nil || out.Runs != 1 || out.Admitted {
		t.Fatalf("%+v, %v", out, second.GetWorkflowError())
	}
}

// TestARateOfACalledPlaybookCountsThatPlaybook, and is let through by itself.
func TestARateOfACalledPlaybookCountsThatPlaybook(t *testing.T) {
	b, e := newBench(t), &estate{}
	b.does("t.act", ok("done"))
	e.serve(b)
	rate := &plan.Guards{Rate: &plan.Rate{Runs: 2, Per: time.Hour, Scope: "playbook"}, OnTrip: "fail"}
	all := &plan.Guards{Rate: &plan.Rate{Runs: 5, Per: time.Hour, Scope: "cluster"}, OnTrip: "fail"}
	b.guarded(all, []plan.Step{calls("sub", "c")}, embedding(nil, called("c", rate, use("a", "t.act", undoable))))
	if err := b.GetWorkflowError(); err != nil || len(e.rates) != 2 {
		t.Fatal(err, e.rates)
	}
	if q := e.rates[0]; q.Playbook != "" || q.Of != "test" || q.Most != 5 {
		t.Fatalf("%+v", q)
	}
	if q := e.rates[1]; q.Playbook != "c" || q.Of != "c" || q.Most != 2 {
		t.Fatalf("%+v", q)
	}
}

// TestACaseThatChangedNothingIsNotCounted: it was let through, and then another guard stood against it. A dry run is counted
// by nobody.
func TestACaseThatChangedNothingIsNotCounted(t *testing.T) {
	for name, test := range map[string]struct {
		step      plan.Step
		dry       bool
		withdrawn int
	}{
		"stopped by another guard": {use("a", "t.act", undoable, onPods("p1", "p2"), onError(plan.Fail)), false, 1},
		"it changed something":     {use("a", "t.act", undoable, onPods("p1"), onError(plan.Fail)), false, 0},
		"a dry run":                {use("a", "t.act", undoable, onPods("p1"), onError(plan.Fail)), true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			b, e := newBench(t), &estate{}
			b.does("t.act", ok("done"))
			e.serve(b)
			withdrawn := 0
			b.OnSignalExternalWorkflow("default-test-namespace", workflows.RateID("lab", false), anything, workflows.WithdrawSignal, "default-test-workflow-id.").Return(
				func(_, _, _, _ string, _ any) error { withdrawn++; return nil })
			b.guarded(&plan.Guards{Pods: 1, Rate: &plan.Rate{Runs: 2, Per: time.Hour, Scope: "cluster"}, OnTrip: "fail"}, []plan.Step{test.step}, func(in *workflows.Input) { in.DryRun = test.dry })
			if withdrawn != test.withdrawn || test.dry == (e.rates[0].Most > 0) {
				t.Fatalf("withdrawn %d times, asked %+v", withdrawn, e.rates)
			}
		})
	}
}
