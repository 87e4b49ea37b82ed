package workflows_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/workflows"
)

// undoneBy makes a step be taken back by an activity that changes a node, as the compiler says it; none: it does not say which.
func undoneBy(activity, node string) func(*plan.Step) {
	return func(s *plan.Step) {
		s.Uses.Undo = &plan.Undo{
			Activity: activity, Effect: activities.Change, Place: activities.OnCluster, Timeout: time.Minute,
			With: plan.Value{Map: []plan.Entry{expr("node", "'"+node+"'")}},
		}
		if node != "" {
			s.Uses.Undo.Targets = []plan.TargetField{{Field: "node", Kind: "Node"}}
		}
	}
}

func asFailing(s *plan.Step) { s.OnError = plan.Fail }

// TestGuardsSeeWhatAPlaybooksOwnUndoChanges: before the change is made, since nobody can be asked when it is taken back.
func TestGuardsSeeWhatAPlaybooksOwnUndoChanges(t *testing.T) {
	drill := map[string]string{workflows.DrillLabel: "true"}
	marked := func() *estate {
		return &estate{labels: map[string]map[string]string{"n1": drill, "p1": drill, "n2": drill}}
	}
	for name, test := range map[string]struct {
		guards *plan.Guards
		estate *estate
		step   plan.Step
		adjust func(*workflows.Input)
		want   string
	}{
		"a drill, and a node that is not marked": {
			estate: marked(), step: use("a", "t.act", undoable, onNode("n1"), undoneBy("t.cordon", "prod")), adjust: asDrill,
			want: "guard drill fence: a drill changes only what is labelled firebreak/drill=true, which node/prod is not",
		},
		"a drill, and an undo that does not say what it changes": {
			estate: marked(), step: use("a", "t.act", undoable, onNode("n1"), undoneBy("t.cordon", "")), adjust: asDrill,
			want: "guard drill fence: its undo t.cordon does not say what it changes",
		},
		"a drill, and another marked node": {estate: marked(), step: use("a", "t.act", undoable, onNode("n1"), undoneBy("t.cordon", "n2")), adjust: asDrill},
		"a drill, and an undo that only looks": {
			estate: marked(), adjust: asDrill,
			step: use("a", "t.act", undoable, onNode("n1"), undoneBy("t.cordon", "prod"), func(s *plan.Step) { s.Uses.Undo.Effect = activities.Read }),
		},
		"a limit": {
			guards: &plan.Guards{Nodes: 1, OnTrip: "fail"}, estate: &estate{nodes: 10}, step: use("a", "t.act", undoable, onNode("n1"), undoneBy("t.cordon", "n2")),
			want: "guard maxTargets.nodes: 2 nodes are more than the 1",
		},
		"a limit that its own target keeps": {
			guards: &plan.Guards{Nodes: 1, OnTrip: "fail"}, estate: &estate{nodes: 10}, step: use("a", "t.act", undoable, onNode("n1"), undoneBy("t.cordon", "n1")),
		},
		"the control plane": {
			guards: &plan.Guards{Pods: 1, OnTrip: "fail"}, estate: &estate{controlPlane: []string{"n9"}}, step: use("a", "t.act", undoable, onPods("p1"), undoneBy("t.cordon", "n9")),
			want: "guard protect.controlPlane: node/n9 belongs to the control plane",
		},
		"a condition": {
			guards: &plan.Guards{Protect: plan.Protect{When: when("target.name == 'n9'")}, OnTrip: "fail"}, estate: &estate{},
			step: use("a", "t.act", undoable, onPods("p1"), undoneBy("t.cordon", "n9")),
			want: "guard protect.when: node/n9 is protected",
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.does("t.act", ok("done"))
			b.does("t.cordon", ok("cordoned"))
			test.estate.serve(b)
			asFailing(&test.step)
			adjust := test.adjust
			if adjust == nil {
				adjust = func(*workflows.Input) {}
			}
			b.guarded(test.guards, []plan.Step{test.step, rollbackStep("back")}, adjust)
			err := b.GetWorkflowError()
			switch {
			case test.want == "" && (err != nil || b.calls("t.act") != 1 || b.calls("t.cordon") != 1):
				t.Fatalf("%v, called %q", err, b.called)
			case test.want == "":
			case err == nil || !strings.Contains(err.Error(), test.want) || b.calls("t.act") != 0 || b.calls("t.cordon") != 0:
				t.Fatalf("%v, called %q", err, b.called)
			}
		})
	}
}

// TestADrillAsksAgainBeforeAnUndoOfAnotherTarget: the label was taken off meanwhile. What the drill itself changed is taken
// back all the same.
func TestADrillAsksAgainBeforeAnUndoOfAnotherTarget(t *testing.T) {
	drill := map[string]string{workflows.DrillLabel: "true"}
	b, e := newBench(t), &estate{labels: map[string]map[string]string{"n1": drill, "n2": drill}}
	b.does("t.act", ok("done"))
	b.does("t.cordon", ok("cordoned"))
	b.undoes("t.act")
	e.serve(b)
	b.RegisterDelayedCallback(func() { delete(e.labels, "n1"); delete(e.labels, "n2") }, time.Minute)
	pause := plan.Step{ID: "pause", Phase: "contain", OnError: plan.Fail, Wait: &plan.Wait{For: time.Hour}}
	b.guarded(nil, []plan.Step{
		use("own", "t.act", undoable, onNode("n1")), use("same", "t.act", undoable, onNode("n1"), undoneBy("t.cordon", "n1")),
		use("other", "t.act", undoable, onNode("n1"), undoneBy("t.cordon", "n2")), pause, rollbackStep("back"),
	}, asDrill)
	want := []string{"t.cordon same/undo", "t.act.undo own"}
	if d := cmp.Diff(want, after(b.ran(), "kube.describe_targets back/undo/other/guards")); d != "" {
		t.Fatal(d, b.called)
	}
	if s := b.step("back/undo/other"); s.Status != activities.StepFailed || !strings.Contains(s.Error, "guard drill fence: a drill changes only") {
		t.Fatalf("%+v", s)
	}
	want = []string{"other: done (guard drill fence: a drill changes only what is labelled firebreak/drill=true, which node/n2 is not)"}
	if d := cmp.Diff(want, stood(b.state())); d != "" {
		t.Fatal(d)
	}
	if checks := b.state().Guards; checks[len(checks)-1].Step != "back/undo/other" {
		t.Fatalf("%+v", checks)
	}
}

// stood gives what a rollback could not take back.
func stood(s workflows.State) (out []string) {
	for _, left := range s.Standing {
		out = append(out, left.Step+": "+left.Summary+" ("+left.Why+")")
	}
	return out
}

// after gives the calls behind one of them.
func after(calls []string, one string) []string {
	for i, c := range calls {
		if c == one {
			return calls[i+1:]
		}
	}
	return nil
}

// TestTheUndoOfADrillStaysInsideItsFence: `firebreak undo` of a drill asks for the label too.
func TestTheUndoOfADrillStaysInsideItsFence(t *testing.T) {
	for name, test := range map[string]struct {
		drill bool
		label string
		want  []string
	}{
		"marked":     {true, "true", []string{"kube.describe_targets first/guards", "t.cordon first/undo", "evidence.note_undo undo"}},
		"not marked": {true, "no", []string{"kube.describe_targets first/guards", "evidence.note_undo undo"}},
		"no drill":   {false, "no", []string{"t.cordon first/undo", "evidence.note_undo undo"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.does("t.cordon", ok("cordoned"))
			b.does(workflows.NoteUndo, ok("noted"))
			(&estate{labels: map[string]map[string]string{"prod": {workflows.DrillLabel: test.label}}}).serve(b)
			first := change("first", "a")
			first.Instead = &workflows.Instead{
				Activity: "t.cordon", Place: activities.OnCluster, Input: map[string]any{"node": "prod"},
				Targets: []workflows.Target{{Kind: "Node", Name: "prod"}},
			}
			b.ExecuteWorkflow(workflows.UndoWorkflow, workflows.UndoInput{Case: "test-1.1", Cluster: "lab", Drill: test.drill, Changes: []workflows.Undoable{first}})
			var result workflows.UndoResult
			if err := b.GetWorkflowResult(&result); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(test.want, b.ran()); d != "" {
				t.Fatal(d)
			}
			if refused := strings.Contains(result.Steps[0].Error, "guard drill fence: a drill changes only"); refused != (name == "not marked") {
				t.Fatalf("%+v", result.Steps)
			}
		})
	}
}
