package plan_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

func TestUsedNamesWhatARunMayCall(t *testing.T) {
	uses := func(name string) plan.Step { return plan.Step{Uses: &plan.Uses{Activity: name}} }
	undone := uses("a.change")
	undone.Uses.Undo = &plan.Undo{Activity: "a.back"}
	caught := uses("a.risky")
	caught.Catch = []plan.Catch{{Do: []plan.Step{uses("a.caught")}}}
	p := plan.Plan{
		Guards: &plan.Guards{}, Finally: []plan.Step{uses("a.seal")},
		Steps: []plan.Step{
			undone, caught, {Switch: &plan.Switch{Cases: []plan.Case{{Do: []plan.Step{uses("a.case")}}}, Default: []plan.Step{uses("a.case")}}},
			{Requires: &plan.Requires{Evidence: []string{"x"}}, Branch: &plan.Branch{Else: []plan.Step{uses("a.else")}}},
		},
		Playbooks: []plan.Plan{{Steps: []plan.Step{uses("b.called")}}},
	}
	want := []string{"a.back", "a.case", "a.caught", "a.change", "a.else", "a.risky", "a.seal", "b.called", "evidence.check", "kube.describe_targets"}
	if d := cmp.Diff(want, p.Used()); d != "" {
		t.Fatal(d)
	}
	if got := (plan.Plan{Steps: []plan.Step{uses("a")}}).Used(); len(got) != 1 {
		t.Fatal(got)
	}
}
