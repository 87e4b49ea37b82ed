package workflows_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/workflows"
)

// estate is the cluster and the other cases that the guards of a test ask about.
type estate struct {
	nodes        int
	labels       map[string]map[string]string // by the name of the target
	controlPlane []string
	runs         int                            // of other cases within the rate's time
	locks        map[string]workflows.LockInput // by workflow id; shared between the cases of a test

	mu        sync.Mutex
	described int
	rates     []workflows.RecentRunsIn
}

func (e *estate) serve(b *bench) {
	if e.locks == nil {
		e.locks = map[string]workflows.LockInput{}
	}
	b.does(workflows.DescribeTargets, func(_ string, _ int32, raw json.RawMessage) (any, error) { return e.describe(raw) })
	b.does(workflows.RecentRuns, func(_ string, _ int32, raw json.RawMessage) (any, error) {
		var in workflows.RecentRunsIn
		err := json.Unmarshal(raw, &in)
		e.rates = append(e.rates, in)
		return workflows.RecentRunsOut{Runs: e.runs, Admitted: in.Most > e.runs}, err
	})
	b.does(workflows.TakeLock, func(_ string, _ int32, raw json.RawMessage) (any, error) {
		var in workflows.LockInput
		if err := json.Unmarshal(raw, &in); err != nil {
			return nil, err
		}
		has, held := e.locks[in.Workflow]
		if !held {
			e.locks[in.Workflow], has = in, in
		}
		return workflows.LockOut{Taken: has.Holder == in.Holder, Case: has.Holder.Case, Since: has.Since}, nil
	})
}

func (e *estate) describe(raw json.RawMessage) (any, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.described++
	var in struct{ Targets []workflows.Target }
	if err := json.Unmarshal(raw, &in); err != nil {
		return nil, err
	}
	var out []map[string]any
	for _, t := range in.Targets {
		out = append(out, map[string]any{
			"exists": t.Name != "gone", "labels": e.labels[t.Name], "controlPlane": slices.Contains(e.controlPlane, t.Name),
		})
	}
	return map[string]any{"targets": out, "nodes": e.nodes}, nil
}

func pods(names ...string) plan.Entry {
	var list []string
	for _, n := range names {
		list = append(list, fmt.Sprintf("{'namespace': 'shop', 'name': '%s', 'uid': '%s'}", n, n))
	}
	return expr("pods", "["+strings.Join(list, ", ")+"]")
}

func node(name string) plan.Entry { return expr("node", "'"+name+"'") }

// onPods and onNode say what a change acts on, as the compiler does.
func onPods(names ...string) func(*plan.Step) {
	return func(s *plan.Step) {
		s.Uses.Targets = []plan.TargetField{{Field: "pods", Kind: "Pod"}}
		with(pods(names...))(s)
	}
}

func onNode(name string) func(*plan.Step) {
	return func(s *plan.Step) {
		s.Uses.Targets = []plan.TargetField{{Field: "node", Kind: "Node"}}
		with(node(name))(s)
	}
}

// guarded runs steps under guards; adjust may change the input.
func (b *bench) guarded(g *plan.Guards, steps []plan.Step, adjust ...func(*workflows.Input)) {
	b.t.Helper()
	in := workflows.Input{
		Plan: plan.Plan{Name: "test", Version: "1.0.0", Hash: "h", Steps: steps, Guards: g}, Cluster: "lab",
		Alert: plan.Alert{Rule: "Terminal shell", Target: plan.Target{Node: "n1"}}, Dates: true,
	}
	for _, a := range adjust {
		a(&in)
	}
	b.ExecuteWorkflow(workflows.CaseWorkflow, in)
	if !b.IsWorkflowCompleted() {
		b.t.Fatal("the case did not end")
	}
}

func asDrill(in *workflows.Input) { in.Mode = plan.Drill }

func when(source string) *plan.Expr { return &plan.Expr{Source: source} }

func lockName(parts ...plan.Part) *plan.Value { return &plan.Value{Text: parts} }

func TestEachGuardTripsAndLetsThrough(t *testing.T) {
	drill := map[string]string{workflows.DrillLabel: "true"}
	tests := map[string]struct {
		guards *plan.Guards
		estate *estate
		steps  []plan.Step
		adjust func(*workflows.Input)
		want   string // part of the failure; empty: let through
		checks []activities.GuardCheck
	}{
		"pods within the limit": {
			guards: &plan.Guards{Pods: 2}, steps: []plan.Step{use("a", "t.act", undoable, onPods("p1", "p2"))},
			checks: []activities.GuardCheck{{Step: "a", Targets: []string{"pod/shop/p1", "pod/shop/p2"}, Pods: "2 of 2"}},
		},
		"too many pods": {
			guards: &plan.Guards{Pods: 2}, steps: []plan.Step{use("a", "t.act", undoable, onPods("p1", "p2", "p3"))},
			want: "guard maxTargets.pods: 3 pods are more than the 2 that one run may change",
		},
		"the same pods again are not more": {
			guards: &plan.Guards{Pods: 2},
			steps:  []plan.Step{use("a", "t.act", undoable, onPods("p1", "p2")), use("b", "t.act", undoable, onPods("p2", "p1", "p1"))},
			checks: []activities.GuardCheck{{Step: "a", Targets: []string{"pod/shop/p1", "pod/shop/p2"}, Pods: "2 of 2"}},
		},
		"too many nodes": {
			guards: &plan.Guards{Nodes: 1}, estate: &estate{nodes: 100},
			steps: []plan.Step{use("a", "t.act", undoable, onNode("n1")), use("b", "t.act", undoable, onNode("n2"))},
			want:  `step "b": guard maxTargets.nodes: 2 nodes are more than the 1`,
		},
		"a share of the nodes": {
			guards: &plan.Guards{NodePercent: 10}, estate: &estate{nodes: 25},
			steps: []plan.Step{use("a", "t.act", undoable, onNode("n1")), use("b", "t.act", undoable, onNode("n2")), use("c", "t.act", undoable, onNode("n3"))},
			want:  `step "c": guard maxTargets.nodePercent: 3 nodes are more than the 2 that one run may change, which is 10% of the cluster's 25`,
		},
		"a share of few nodes is at least one": {
			guards: &plan.Guards{NodePercent: 10}, estate: &estate{nodes: 3}, steps: []plan.Step{use("a", "t.act", undoable, onNode("n1"))},
			checks: []activities.GuardCheck{{Step: "a", Targets: []string{"node/n1"}, Nodes: "1 of 1"}},
		},
		"the smaller limit counts": {
			guards: &plan.Guards{Nodes: 2, NodePercent: 50}, estate: &estate{nodes: 100}, steps: []plan.Step{use("a", "t.act", undoable, onNode("n1"))},
			checks: []activities.GuardCheck{{Step: "a", Targets: []string{"node/n1"}, Nodes: "1 of 2"}},
		},
		"a protected namespace": {
			guards: &plan.Guards{Protect: plan.Protect{Namespaces: []string{"kube-system", "shop"}}},
			steps:  []plan.Step{use("a", "t.act", undoable, onPods("p1"))},
			want:   "guard protect.namespaces: pod/shop/p1 is in a protected namespace",
		},
		"a condition that protects": {
			guards: &plan.Guards{Protect: plan.Protect{When: when("target.kind == 'Pod' && 'keep' in target.labels")}},
			estate: &estate{labels: map[string]map[string]string{"p1": {"keep": "me"}}},
			steps:  []plan.Step{use("a", "t.act", undoable, onPods("p1"))},
			want:   "guard protect.when: pod/shop/p1 is protected: target.kind == 'Pod'",
		},
		"a condition that does not hold": {
			guards: &plan.Guards{Protect: plan.Protect{When: when("target.name == 'other' || target.namespace != 'shop'")}},
			steps:  []plan.Step{use("a", "t.act", undoable, onPods("p1"))},
			checks: []activities.GuardCheck{{Step: "a", Targets: []string{"pod/shop/p1"}, Pods: "1"}},
		},
		"the control plane without a word about it": {
			guards: &plan.Guards{Pods: 5}, estate: &estate{nodes: 3, controlPlane: []string{"n1"}},
			steps: []plan.Step{use("a", "t.act", undoable, onNode("n1"))},
			want:  "guard protect.controlPlane: node/n1 belongs to the control plane",
		},
		"the control plane, opened": {
			guards: &plan.Guards{Protect: plan.Protect{OpenControlPlane: true}}, estate: &estate{controlPlane: []string{"n1"}},
			steps:  []plan.Step{use("a", "t.act", undoable, onNode("n1"))},
			checks: []activities.GuardCheck{{Step: "a", Targets: []string{"node/n1"}, Nodes: "1"}},
		},
		"the last run that the rate lets through": {
			guards: &plan.Guards{Rate: &plan.Rate{Runs: 3, Per: time.Hour, Scope: "cluster"}}, estate: &estate{runs: 2},
			steps:  []plan.Step{use("a", "t.act", undoable), use("b", "t.act", undoable)},
			checks: []activities.GuardCheck{{Step: "a", Runs: "3 of 3"}},
		},
		"one run too many": {
			guards: &plan.Guards{Rate: &plan.Rate{Runs: 3, Per: time.Hour, Scope: "playbook"}}, estate: &estate{runs: 3},
			steps: []plan.Step{use("a", "t.act", undoable)},
			want:  "guard rate: with this one 4 runs of playbook test changed something on cluster lab within 1h0m0s, and 3 may",
		},
		"several rules at once": {
			guards: &plan.Guards{Nodes: 1, Protect: plan.Protect{When: when("target.kind == 'Pod'"), Namespaces: []string{"shop"}}},
			steps:  []plan.Step{use("a", "t.act", undoable, onPods("p1"))},
			want:   "guard protect.namespaces, protect.when: pod/shop/p1 is in a protected namespace; pod/shop/p1 is protected",
		},
		"a destroying step": {
			guards: &plan.Guards{Pods: 1},
			steps:  []plan.Step{use("a", "t.act", onPods("p1", "p2"), func(s *plan.Step) { s.Uses.Effect = activities.Destroy })},
			want:   "guard maxTargets.pods",
		},
		"what only looks is not asked": {
			guards: &plan.Guards{Pods: 1}, steps: []plan.Step{use("a", "t.act", onPods("p1", "p2"))},
		},
		"a drill on a marked target": {
			estate: &estate{labels: map[string]map[string]string{"p1": drill}}, adjust: asDrill,
			steps:  []plan.Step{use("a", "t.act", undoable, onPods("p1"))},
			checks: []activities.GuardCheck{{Step: "a", Targets: []string{"pod/shop/p1"}, Pods: "1"}},
		},
		"a drill on another target": {
			estate: &estate{labels: map[string]map[string]string{"p1": drill, "p2": {workflows.DrillLabel: "yes"}}}, adjust: asDrill,
			steps: []plan.Step{use("a", "t.act", undoable, onPods("p1", "p2"))},
			want:  "guard drill fence: a drill changes only what is labelled firebreak/drill=true, which pod/shop/p2 is not",
		},
		"a drill on a target that is not there": {
			estate: &estate{labels: map[string]map[string]string{"gone": drill}}, adjust: asDrill,
			steps: []plan.Step{use("a", "t.act", undoable, onPods("gone"))},
			want:  "pod/shop/gone is not",
		},
		"a drill that does not say what it changes": {
			adjust: asDrill, steps: []plan.Step{use("a", "t.act", undoable)},
			want: "guard drill fence: the step does not say what it changes",
		},
		"a drill on the control plane": {
			estate: &estate{labels: map[string]map[string]string{"n1": drill}, controlPlane: []string{"n1"}}, adjust: asDrill,
			steps: []plan.Step{use("a", "t.act", undoable, onNode("n1"))},
			want:  "guard protect.controlPlane",
		},
		"a drill's guards ask nobody": {
			guards: &plan.Guards{Pods: 1, OnTrip: "approve"}, adjust: asDrill,
			estate: &estate{labels: map[string]map[string]string{"p1": drill, "p2": drill}},
			steps:  []plan.Step{use("a", "t.act", undoable, onPods("p1", "p2"))},
			want:   "guard maxTargets.pods",
		},
		"a dry run is told and goes on": {
			guards: &plan.Guards{Pods: 1, OnTrip: "approve"}, adjust: func(in *workflows.Input) { in.DryRun = true },
			steps: []plan.Step{use("a", "t.act", undoable, onPods("p1", "p2"))},
			checks: []activities.GuardCheck{{
				Step: "a", Targets: []string{"pod/shop/p1", "pod/shop/p2"}, Pods: "2 of 1", Tripped: []string{"maxTargets.pods"},
				Why: "2 pods are more than the 1 that one run may change",
			}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.does("t.act", ok("done"))
			e := test.estate
			if e == nil {
				e = &estate{}
			}
			e.serve(b)
			for i := range test.steps {
				test.steps[i].OnError = plan.Fail
			}
			adjust := test.adjust
			if adjust == nil {
				adjust = func(*workflows.Input) {}
			}
			b.guarded(test.guards, test.steps, adjust)
			if test.want == "" {
				letThrough(t, b, test.checks)
				return
			}
			if err := b.GetWorkflowError(); err == nil || kind(t, err) != string(activities.GuardTripped) || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %v, want %q", err, test.want)
			}
			last := test.steps[len(test.steps)-1].ID
			registered := slices.ContainsFunc(query[[]workflows.Undoable](b, workflows.UndoQuery), func(u workflows.Undoable) bool { return u.Call.Step == last })
			if b.calls("t.act "+last) != 0 || registered || len(b.state().Guards) == 0 {
				t.Fatalf("called %q, registered %t, checks %+v", b.called, registered, b.state().Guards)
			}
		})
	}
}

func letThrough(t *testing.T, b *bench, checks []activities.GuardCheck) {
	t.Helper()
	if err := b.GetWorkflowError(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(checks, b.state().Guards, cmpopts.IgnoreFields(activities.GuardCheck{}, "At")); diff != "" {
		t.Fatal(diff)
	}
}

func TestWithoutGuardsNothingIsAsked(t *testing.T) {
	b := newBench(t)
	b.does("t.act", ok("done"))
	(&estate{}).serve(b)
	b.guarded(nil, []plan.Step{use("a", "t.act", undoable, onPods("p1"))})
	if diff := cmp.Diff([]string{"t.act a"}, b.called); diff != "" || b.GetWorkflowError() != nil {
		t.Fatal(diff, b.GetWorkflowError())
	}
}

// TestAHundredTargetsAtOnce: ten steps at a time ask for a place among two.
func TestAHundredTargetsAtOnce(t *testing.T) {
	for name, test := range map[string]struct {
		target func(*plan.Step)
		guards plan.Guards
	}{
		"pods":             {onItem("Pod"), plan.Guards{Pods: 2}},
		"nodes":            {onItem("Node"), plan.Guards{Nodes: 2}},
		"percent of nodes": {onItem("Node"), plan.Guards{NodePercent: 2}},
		"pods, looked at":  {onItem("Pod"), plan.Guards{Pods: 2, Protect: plan.Protect{When: when("target.name == 'other'")}}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.does("t.act", ok("isolated"))
			(&estate{nodes: 100}).serve(b)
			items := make([]string, 100)
			for i := range items {
				items[i] = fmt.Sprintf("'x%d'", i)
			}
			b.guarded(&test.guards, []plan.Step{each("all", "["+strings.Join(items, ",")+"]", plan.Foreach{
				Concurrency: 10, OnError: plan.Continue, Do: []plan.Step{use("isolate", "t.act", undoable, onError(plan.Fail), test.target)},
			})})
			if b.calls("t.act") != 2 {
				t.Fatalf("isolated %d", b.calls("t.act"))
			}
			tripped := 0
			for _, g := range b.state().Guards {
				if len(g.Tripped) > 0 {
					tripped++
				}
			}
			if n := len(query[[]workflows.Undoable](b, workflows.UndoQuery)); n != 2 || tripped != 98 {
				t.Fatalf("%d changes are registered, %d checks tripped", n, tripped)
			}
		})
	}
}

// onItem makes the item of a foreach the target.
func onItem(kind string) func(*plan.Step) {
	return func(s *plan.Step) {
		s.Uses.Targets = []plan.TargetField{{Field: "target", Kind: kind}}
		with(expr("target", "{'namespace': 'shop', 'name': item}"))(s)
	}
}

func TestARetriedTargetCountsOnce(t *testing.T) {
	b := newBench(t)
	granted := false
	b.does("t.act", mended(&granted))
	(&estate{}).serve(b)
	b.RegisterDelayedCallback(func() { granted = true }, time.Minute)
	b.decides(time.Hour, workflows.Decision{Path: "a", Action: workflows.RetryStep, By: "ann"})
	b.guarded(&plan.Guards{Pods: 1}, []plan.Step{use("a", "t.act", undoable, onPods("p1"))})
	if b.calls("t.act") != 2 || b.GetWorkflowError() != nil || len(b.state().Guards) != 1 {
		t.Fatalf("called %q, %v", b.called, b.GetWorkflowError())
	}
}

func TestATrippedGuardHoldsAndIsCheckedAgain(t *testing.T) {
	b := newBench(t)
	e := &estate{runs: 1}
	b.does("t.act", ok("done"))
	e.serve(b)
	b.RegisterDelayedCallback(func() { e.runs = 0 }, time.Minute)
	b.decides(time.Hour, workflows.Decision{Path: "a", Action: workflows.RetryStep, By: "ann"})
	b.guarded(&plan.Guards{Rate: &plan.Rate{Runs: 1, Per: time.Hour, Scope: "playbook"}}, []plan.Step{use("a", "t.act", undoable)})
	if b.calls("t.act") != 1 || b.GetWorkflowError() != nil || len(b.state().Guards) != 2 {
		t.Fatalf("called %q, %v", b.called, b.GetWorkflowError())
	}
	if q := e.rates[0]; q.Playbook != "test" || q.Cluster != "lab" || q.Case != b.state().Case || q.Drill {
		t.Fatalf("%+v", q)
	}
}
