package workflows_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/workflows"
)

// TestAWorkerWithoutThePlansActivityHoldsTheRun: whatever the playbook says of the step's failures.
func TestAWorkerWithoutThePlansActivityHoldsTheRun(t *testing.T) {
	everything := []plan.Catch{{Do: []plan.Step{use("caught", "t.act")}}}
	tests := map[string]func(*plan.Step){
		"continue": onError(plan.Continue), "fail": onError(plan.Fail), "rollback": onError(plan.RollBack), "hold": onError(plan.Hold),
		"caught": func(s *plan.Step) { s.Catch = everything },
	}
	for name, change := range tests {
		for _, kind := range []string{workflows.KindCatalog, "ActivityNotRegisteredError"} {
			t.Run(name+" "+kind, func(t *testing.T) {
				b := newBench(t)
				rolledOut := false
				b.does("t.gone", func(path string, _ int32, _ json.RawMessage) (any, error) {
					if !rolledOut {
						return nil, temporal.NewApplicationError("not the one", kind)
					}
					return map[string]any{"summary": "did " + path}, nil
				})
				b.does("t.act", ok("done"))
				var held []workflows.HeldStep
				b.RegisterDelayedCallback(func() { held, rolledOut = b.state().Holds, true }, time.Hour)
				b.decides(2*time.Hour, workflows.Decision{Path: "gone", Action: workflows.RetryStep, By: "ann"})
				b.start([]plan.Step{use("gone", "t.gone", change), use("after", "t.act")}, nil)
				if len(held) != 1 || held[0].Kind != workflows.KindCatalog || !strings.Contains(held[0].Advice, "run workers of the version") {
					t.Fatalf("%+v, %q", held, b.ran())
				}
				if b.GetWorkflowError() != nil || b.step("gone").Summary != "did gone" || b.calls("t.act") != 1 {
					t.Fatalf("%v, %q", b.GetWorkflowError(), b.ran())
				}
			})
		}
	}
}

// TestTheWorkerIsToldWhatThePlanTakesForGranted: of a called playbook by that one's plan.
func TestTheWorkerIsToldWhatThePlanTakesForGranted(t *testing.T) {
	b := newBench(t)
	told := map[string]string{}
	b.hears("t.act", func(in workflows.ActivityInput) { told[in.Call.Step] = in.Declared })
	in := planned([]plan.Step{use("one", "t.act"), {ID: "sub", Phase: "contain", Call: &plan.Call{Playbook: "other", Hash: "o"}}}, nil)
	in.Plan.Declared = map[string]string{"t.act": "aaaa"}
	in.Plan.Playbooks = []plan.Plan{{Name: "other", Hash: "o", Declared: map[string]string{"t.act": "bbbb"}, Steps: []plan.Step{use("two", "t.act")}}}
	b.ExecuteWorkflow(workflows.CaseWorkflow, in)
	if b.GetWorkflowError() != nil || told["one"] != "aaaa" || told["sub/two"] != "bbbb" {
		t.Fatalf("%v %v", told, b.GetWorkflowError())
	}
}
