package workflows_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/workflows"
)

// caller is a plan that runs another one, with an input and an output.
func caller(callee []plan.Step, after ...plan.Step) workflows.Input {
	in := planned(append([]plan.Step{
		use("mine", "t.act", undoable),
		block("sub", func(s *plan.Step) {
			s.Call = &plan.Call{Playbook: "other", Version: "1.2.0", Hash: "o", Inputs: []plan.Entry{expr("who", "alert.rule")}}
			s.Output = "{greeting: string, n: integer}"
		}),
	}, after...), []plan.Step{use("seal", "t.act")})
	in.Inputs = map[string]any{"who": "the caller's own"}
	in.Plan.Inputs = []plan.Input{{Name: "who", Type: activities.Type{Kind: activities.String}}}
	in.Plan.Playbooks = []plan.Plan{{
		Name: "other", Version: "1.2.0", Hash: "o", Steps: callee, Finally: []plan.Step{use("close", "t.act")},
		Inputs: []plan.Input{
			{Name: "who", Type: activities.Type{Kind: activities.String}, Required: true},
			{Name: "n", Type: activities.Type{Kind: activities.Integer}, Default: int64(5)},
		},
		Outputs: []plan.Entry{expr("greeting", "'hello ' + inputs.who"), expr("n", "inputs.n")},
	}}
	return in
}

func TestCallRunsAnotherPlaybookAsAPartOfTheRun(t *testing.T) {
	b := newBench(t)
	b.does("t.act", ok("done"))
	b.undoes("t.act")
	b.ExecuteWorkflow(workflows.CaseWorkflow, caller(
		[]plan.Step{use("inner", "t.act", undoable, with(expr("who", "inputs.who")))},
		use("after", "t.act", with(expr("g", "steps.sub.output.greeting"), expr("n", "steps.sub.output.n"), expr("who", "inputs.who"))),
		rollbackStep("back"),
	))
	_ = b.GetWorkflowError()
	want := []string{"t.act mine", "t.act sub/inner", "t.act sub/close", "t.act after", "t.act.undo sub/inner", "t.act.undo mine", "t.act seal"}
	if d := cmp.Diff(want, b.ran()); d != "" {
		t.Log(b.state().Steps)
		t.Fatal(d)
	}
	if b.inputs["after"] != `{"g":"hello Terminal shell","n":5,"who":"the caller's own"}` {
		t.Fatal(b.inputs["after"])
	}
}

func TestACalledPlaybookClosesAlsoWhenItFailsOrTheCaseIsAborted(t *testing.T) {
	t.Run("fails", func(t *testing.T) {
		b := newBench(t)
		b.does("t.act", ok("done"))
		b.does("t.bad", forbidden)
		b.ExecuteWorkflow(workflows.CaseWorkflow, caller([]plan.Step{use("inner", "t.bad", onError(plan.Fail))}, use("never", "t.act")))
		if d := cmp.Diff([]string{"t.act mine", "t.bad sub/inner", "t.act sub/close", "t.act seal"}, b.ran()); d != "" || kind(t, b.GetWorkflowError()) != "Forbidden" {
			t.Fatal(d)
		}
	})
	t.Run("aborted", func(t *testing.T) {
		b := newBench(t)
		b.does("t.act", ok("done"))
		b.does("t.bad", forbidden)
		b.decides(time.Minute, workflows.Decision{Action: workflows.AbortCase, Reason: "enough", By: "ann"})
		b.ExecuteWorkflow(workflows.CaseWorkflow, caller([]plan.Step{use("inner", "t.bad")}, use("never", "t.act")))
		if d := cmp.Diff([]string{"t.act mine", "t.bad sub/inner", "t.act sub/close", "t.act seal"}, b.ran()); d != "" || kind(t, b.GetWorkflowError()) != workflows.KindAborted {
			t.Fatal(d)
		}
	})
}

func TestCallWithAWrongInputHolds(t *testing.T) {
	b := newBench(t)
	b.does("t.act", ok("done"))
	in := caller(nil)
	in.Plan.Steps[1].Call.Inputs = nil
	u := b.decides(time.Minute, workflows.Decision{Path: "sub", Action: workflows.SkipStep, Reason: "r", By: "ann"})
	b.ExecuteWorkflow(workflows.CaseWorkflow, in)
	if u.refused != nil || b.step("sub").Status != activities.StepSkipped {
		t.Fatal(u.refused)
	}
}

func TestACalledPlaybookGoesThroughWhateverRunItIsLeftIn(t *testing.T) {
	in := caller([]plan.Step{use("i1", "t.act"), use("i2", "t.act", with(expr("who", "inputs.who + steps.i1.output.summary")))},
		use("after", "t.act", with(expr("g", "steps.sub.output.greeting"))))
	runs := chain(t, in, 0, func(_ int, b *bench) { b.tiring("t.act", 1) })
	want := []string{"t.act mine", "t.act sub/i1", "t.act sub/i2", "t.act sub/close", "t.act after", "t.act seal"}
	if d := cmp.Diff(want, all(runs)); d != "" || len(runs) < 6 {
		t.Fatalf("%d runs %s", len(runs), d)
	}
}
