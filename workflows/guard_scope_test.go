package workflows_test

import (
	"strings"
	"testing"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/workflows"
)

// calls is a step that runs another playbook, named by its hash.
func calls(id, hash string, inputs ...plan.Entry) plan.Step {
	return plan.Step{ID: id, Phase: "contain", OnError: plan.Fail, Call: &plan.Call{Playbook: hash, Hash: hash, Inputs: inputs}}
}

func strs(name string) plan.Input {
	return plan.Input{Name: name, Type: activities.Type{Kind: activities.String}}
}

// called is a playbook that others call by its name.
func called(name string, g *plan.Guards, steps ...plan.Step) plan.Plan {
	return plan.Plan{Name: name, Version: "1.0.0", Hash: name, Guards: g, Steps: steps, Inputs: []plan.Input{strs("ns"), strs("node")}}
}

func embedding(inputs map[string]any, plans ...plan.Plan) func(*workflows.Input) {
	return func(in *workflows.Input) {
		in.Plan.Playbooks, in.Inputs = plans, inputs
		in.Plan.Inputs = []plan.Input{{Name: "protected", Type: activities.Type{Kind: activities.List, Elem: &activities.Type{Kind: activities.String}}}, strs("node")}
	}
}

// TestARuleIsEvaluatedWithItsOwnPlaybooksInputs: the caller's rules see the caller's inputs, whatever playbook's step it is.
func TestARuleIsEvaluatedWithItsOwnPlaybooksInputs(t *testing.T) {
	act := use("a", "t.act", undoable, onPods("p1"), onError(plan.Fail))
	shop := map[string]any{"protected": []any{"shop"}, "node": "n7"}
	protects := &plan.Guards{Protect: plan.Protect{When: when("target.namespace in inputs.protected")}, OnTrip: "fail"}
	same := &plan.Guards{Protect: plan.Protect{When: when("target.namespace == inputs.ns")}, OnTrip: "fail"}
	locks := &plan.Guards{Lock: lockName(plan.Part{Words: "node/"}, plan.Part{Expr: when("inputs.node")}), OnTrip: "fail"}
	given := expr("ns", "'shop'")
	for name, test := range map[string]struct {
		root  *plan.Guards
		plans []plan.Plan
		want  string // part of the failure; empty: let through
	}{
		"the caller's condition":          {protects, []plan.Plan{called("c", nil, act)}, "guard protect.when: pod/shop/p1 is protected"},
		"the called one's condition":      {nil, []plan.Plan{called("c", same, act)}, "guard protect.when: pod/shop/p1 is protected"},
		"of a playbook between":           {nil, []plan.Plan{called("c", same, calls("deeper", "d", given)), called("d", nil, act)}, "guard protect.when: pod/shop/p1 is protected"},
		"the caller's lock":               {locks, []plan.Plan{called("c", nil, act)}, ""},
		"the caller's limit, in a called": {&plan.Guards{Pods: 1, OnTrip: "fail"}, []plan.Plan{called("c", nil, act)}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			b, e := newBench(t), &estate{}
			b.does("t.act", ok("isolated"))
			e.serve(b)
			e.gives(b)
			b.guarded(test.root, []plan.Step{calls("sub", "c", given)}, embedding(shop, test.plans...))
			err := b.GetWorkflowError()
			if test.want == "" {
				if err != nil || b.calls("t.act") != 1 || test.root == locks && b.state().Guards[0].Lock != "node/n7" {
					t.Fatalf("%v, called %q, %+v", err, b.called, b.state().Guards)
				}
				return
			}
			if err == nil || kind(t, err) != string(activities.GuardTripped) || !strings.Contains(err.Error(), test.want) || b.calls("t.act") != 0 {
				t.Fatalf("%v, called %q", err, b.called)
			}
		})
	}
}

// TestEachCallOfAPlaybookTakesItsOwnLock: a playbook that is called for two nodes locks both, and a third call of the first
// node's asks no more.
func TestEachCallOfAPlaybookTakesItsOwnLock(t *testing.T) {
	b, e := newBench(t), &estate{}
	b.does("t.act", ok("done"))
	e.serve(b)
	taken := 0
	b.RegisterDelayedCallback(func() { taken = len(e.locks) }, time.Minute)
	e.gives(b)
	g := &plan.Guards{
		Lock: lockName(plan.Part{Words: "node/"}, plan.Part{Expr: when("inputs.node")}), OnTrip: "fail",
		Rate: &plan.Rate{Runs: 1, Per: time.Hour, Scope: "playbook"},
	}
	pause := plan.Step{ID: "pause", Phase: "contain", OnError: plan.Fail, Wait: &plan.Wait{For: 2 * time.Minute}}
	b.guarded(nil, []plan.Step{
		calls("one", "c", expr("node", "'n1'")), calls("two", "c", expr("node", "'n2'")), calls("again", "c", expr("node", "'n1'")), pause,
	}, embedding(nil, called("c", g, use("a", "t.act", undoable, onError(plan.Fail)))))
	if err := b.GetWorkflowError(); err != nil || taken != 2 || b.calls(workflows.TakeLock) != 2 || b.calls(workflows.RecentRuns) != 1 || len(e.locks) != 0 {
		t.Fatalf("%v, %d locks taken, %q, left %v", err, taken, b.called, e.locks)
	}
}
