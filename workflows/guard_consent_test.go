package workflows_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/workflows"
	"github.com/firebreak-ir/firebreak/workflows/authority"
)

// answers makes somebody answer what a step's guards ask.
func (b *bench) answers(after time.Duration, step, choice, by, comment string) *updated {
	u := &updated{}
	b.RegisterDelayedCallback(func() {
		b.UpdateWorkflow(workflows.ApproveUpdate, "", u, authority.Decision{
			Step: step, Choice: choice, Subject: by, Comment: comment, Nonce: step + by,
		})
	}, after)
	return u
}

func upTo(pods int) *plan.Guards { return &plan.Guards{Pods: pods, OnTrip: "approve"} }

func leads(in *workflows.Input) {
	in.Plan.Approvers = []plan.Approver{{Name: "ir-lead", Quorum: 1}, {Name: "ir-manager", Quorum: 1}}
}

func TestAnApprovedGuardLetsExactlyThoseTargetsThrough(t *testing.T) {
	b := newBench(t)
	b.does("t.act", ok("done"))
	(&estate{}).serve(b)
	var open workflows.State
	b.RegisterDelayedCallback(func() { open = b.state() }, time.Minute)
	u := b.answers(time.Hour, "b/guards", "approve", "ann", "the whole deployment is hit")
	b.answers(2*time.Hour, "c/guards", "reject", "ann", "enough")
	b.guarded(upTo(1), []plan.Step{
		use("a", "t.act", undoable, onPods("p1")), use("b", "t.act", undoable, onPods("p1", "p2", "p3")),
		use("again", "t.act", undoable, onPods("p3")), use("c", "t.act", undoable, onPods("p4"), onError(plan.Fail)),
	}, leads)
	if u.refused != nil || u.failed != nil {
		t.Fatal(u.refused, u.failed)
	}
	if len(open.Questions) != 1 || !slices.Equal(open.Questions[0].Circles, []string{"ir-lead", "ir-manager"}) {
		t.Fatalf("%+v", open.Questions)
	}
	shown, _ := json.Marshal(open.Questions[0].Shown)
	if !strings.Contains(string(shown), `"targets":["pod/shop/p2","pod/shop/p3"]`) || !strings.Contains(string(shown), "3 pods are more than the 1") {
		t.Fatalf("shown is %s", shown)
	}
	if err := b.GetWorkflowError(); kind(t, err) != string(activities.GuardTripped) || !strings.Contains(err.Error(), "refused by ann (not authenticated): enough") {
		t.Fatal(err)
	}
	if !slices.Equal(b.ran(), []string{"t.act a", "t.act b", "t.act again"}) {
		t.Fatalf("called %q", b.called)
	}
	checks := b.state().Guards
	if len(checks) != 3 || checks[1].ApprovedBy != "ann (not authenticated)" || checks[1].Pods != "3 of 1" || checks[2].ApprovedBy != "" || checks[2].Pods != "4 of 1" {
		t.Fatalf("%+v", checks)
	}
}

// TestTenAtOnceAskOnce: what is asked once a case is asked by one step, also where ten come together.
func TestTenAtOnceAskOnce(t *testing.T) {
	b := newBench(t)
	b.does("t.act", ok("done"))
	(&estate{runs: 9}).serve(b)
	b.answers(time.Hour, "all[0]/x/guards", "approve", "ann", "")
	b.guarded(&plan.Guards{Rate: &plan.Rate{Runs: 1, Per: time.Hour, Scope: "cluster"}, OnTrip: "approve", From: []string{"ir-lead"}},
		[]plan.Step{each("all", "[1,2,3,4,5,6,7,8,9,10]", plan.Foreach{Concurrency: 10, Do: []plan.Step{use("x", "t.act", undoable)}})}, leads)
	if b.GetWorkflowError() != nil || b.calls("t.act") != 10 || b.calls(workflows.RecentRuns) != 1 || len(b.state().Guards) != 1 {
		t.Fatalf("%v, called %q", b.GetWorkflowError(), b.called)
	}
}

// TestAGuardsQuestionOutlivesItsRun: the run is left while people are asked, and the next one takes the question up.
func TestAGuardsQuestionOutlivesItsRun(t *testing.T) {
	tick := []plan.Step{{ID: "pause", Phase: "identify", OnError: plan.Hold, Wait: &plan.Wait{For: 2 * time.Minute}}, use("tick", "t.act")}
	in := planned([]plan.Step{
		{ID: "both", Phase: "contain", OnError: plan.Hold, Parallel: []plan.Step{
			use("a", "t.act", undoable, onPods("p1", "p2")),
			{ID: "ticks", Phase: "contain", OnError: plan.Hold, Branch: &plan.Branch{Cond: plan.Expr{Source: "true"}, Then: tick}},
		}},
		use("b", "t.act", undoable, onPods("p2")),
	}, nil)
	in.Plan.Guards = upTo(1)
	leads(&in)
	var hashes []string
	runs := chain(t, in, time.Minute, func(run int, b *bench) {
		b.does("t.act", ok("done"))
		(&estate{}).serve(b)
		b.RegisterDelayedCallback(func() {
			if q := b.state().Questions; len(q) == 1 {
				hashes = append(hashes, q[0].Hash)
			}
		}, time.Second)
		if run == 1 {
			b.answers(30*time.Second, "both/a/guards", "approve", "ann", "")
		}
	})
	last := runs[len(runs)-1]
	if len(runs) != 2 || last.GetWorkflowError() != nil || len(hashes) != 2 || hashes[0] != hashes[1] || last.calls("t.act") != 3 {
		t.Fatalf("%d runs, %v, questions %q", len(runs), last.GetWorkflowError(), hashes)
	}
}

// TestACalledPlaybooksGuardsHoldToo: both playbooks' rules count, and each one's people are asked about its own.
func TestACalledPlaybooksGuardsHoldToo(t *testing.T) {
	b := newBench(t)
	b.does("t.act", ok("done"))
	(&estate{}).serve(b)
	b.answers(time.Hour, "sub/a/guards/called", "approve", "ann", "")
	called := plan.Plan{Name: "called", Version: "1.0.0", Hash: "c", Guards: upTo(1), Steps: []plan.Step{use("a", "t.act", undoable, onPods("p1", "p2"))}}
	called.Approvers = []plan.Approver{{Name: "owners", Quorum: 1}}
	b.guarded(&plan.Guards{Pods: 3, OnTrip: "fail"}, []plan.Step{
		{ID: "sub", Phase: "contain", OnError: plan.Hold, Call: &plan.Call{Playbook: "called", Hash: "c"}},
		use("more", "t.act", undoable, onPods("p3", "p4"), onError(plan.Fail)),
	}, leads, func(in *workflows.Input) { in.Plan.Playbooks = []plan.Plan{called} })
	if err := b.GetWorkflowError(); err == nil || !strings.Contains(err.Error(), "4 pods are more than the 3") || b.calls("t.act") != 1 {
		t.Fatalf("%v, called %q", err, b.called)
	}
}
