package workflows_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/activity"

	"context"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/workflows"
)

// undoes registers the undo of an activity; it fails for the paths that are named.
func (b *bench) undoes(name string, failing ...string) {
	b.RegisterActivityWithOptions(func(_ context.Context, in workflows.UndoActivityInput) error {
		b.note(workflows.UndoActivity(name), workflows.ActivityInput{Call: in.Call, Input: in.Output})
		if slices.Contains(failing, in.Call.Step) {
			return errors.New("connection refused")
		}
		return nil
	}, activity.RegisterOptions{Name: workflows.UndoActivity(name)})
}

func undos(calls []string) []string {
	return slices.Compact(slices.DeleteFunc(calls, func(c string) bool { return !strings.Contains(c, ".undo ") }))
}

func rollbackStep(id string) plan.Step {
	return block(id, func(s *plan.Step) {
		s.Rollback, s.Output = &plan.Rollback{Reason: literal("false positive")}, "{undone: integer, failed: integer}"
	})
}

func TestRollbackTakesBackTheLastChangeFirst(t *testing.T) {
	b := newBench(t)
	b.does("t.act", ok("isolated"))
	b.undoes("t.act", "two")
	b.start([]plan.Step{
		use("one", "t.act", undoable), use("look", "t.act"), use("two", "t.act", undoable), use("three", "t.act", undoable),
		rollbackStep("back"),
		use("after", "t.act", with(expr("n", "steps.back.output.undone"), expr("f", "steps.back.output.failed"))),
	}, nil)
	if d := cmp.Diff([]string{"t.act.undo three", "t.act.undo two", "t.act.undo one"}, undos(b.ran())); d != "" {
		t.Fatal(d)
	}
	if b.inputs["after"] != `{"f":1,"n":2}` {
		t.Fatal(b.inputs["after"])
	}
	left := query[[]workflows.Undoable](b, workflows.UndoQuery)
	if len(left) != 1 || left[0].Call.Step != "two" {
		t.Fatalf("what could not be undone stays on the stack, and nothing else: %+v", left)
	}
	if s := b.state().Standing; len(s) != 1 || s[0].Step != "two" || s[0].Summary != "isolated" {
		t.Fatalf("%+v", s)
	}
	if s := b.step("back/undo/one"); s.Status != activities.StepDone || s.Summary != "took back: isolated" {
		t.Fatalf("%+v", s)
	}
	if got := b.state().Outcome; got != workflows.OutcomePartly {
		t.Fatalf("a change that stands although it was to be taken back: %s", got)
	}
}

func TestChangesAfterARollbackAreNotUndoneTwice(t *testing.T) {
	b := newBench(t)
	b.does("t.act", ok("isolated"))
	b.undoes("t.act")
	b.start([]plan.Step{use("one", "t.act", undoable), rollbackStep("back"), use("two", "t.act", undoable), rollbackStep("again")}, nil)
	if d := cmp.Diff([]string{"t.act.undo one", "t.act.undo two"}, undos(b.ran())); d != "" {
		t.Fatal(d)
	}
}

func TestUndoOfThePlaybook(t *testing.T) {
	b := newBench(t)
	b.does("t.act", ok("isolated"))
	b.does("t.other", ok("undone in another way"))
	b.undoes("t.act")
	own := &plan.Undo{Activity: "t.other", Place: activities.OnCluster, Timeout: time.Minute, With: plan.Value{Map: []plan.Entry{expr("rule", "alert.rule")}}}
	b.start([]plan.Step{
		use("kept", "t.act", undoable, func(s *plan.Step) { s.Uses.Undo = &plan.Undo{} }),
		use("other", "t.act", undoable, func(s *plan.Step) { s.Uses.Undo = own }),
		rollbackStep("back"),
	}, nil)
	if d := cmp.Diff([]string{"t.act kept", "t.act other", "t.other other/undo"}, b.ran()); d != "" {
		t.Fatal(d)
	}
	if b.inputs["other/undo"] != `{"rule":"Terminal shell"}` {
		t.Fatal(b.inputs["other/undo"])
	}
}

func TestOnErrorRollback(t *testing.T) {
	b := newBench(t)
	b.does("t.act", ok("isolated"))
	b.does("t.fails", forbidden)
	b.undoes("t.act")
	b.start([]plan.Step{use("one", "t.act", undoable), use("two", "t.fails", onError(plan.RollBack)), use("never", "t.act")},
		[]plan.Step{use("seal", "t.act")})
	want := []string{"t.act one", "t.fails two", "t.act.undo one", "t.act seal"}
	if d := cmp.Diff(want, b.ran()); d != "" {
		t.Fatal(d)
	}
	if got := b.state(); got.Outcome != workflows.OutcomeRolledBack || got.Status != workflows.Failed || kind(t, b.GetWorkflowError()) != "Forbidden" {
		t.Fatalf("%s %s", got.Outcome, got.Status)
	}
}

func TestAPersonRollsAHeldCaseBack(t *testing.T) {
	b := newBench(t)
	b.does("t.act", ok("isolated"))
	b.does("t.fails", forbidden)
	b.undoes("t.act")
	u := b.decides(time.Minute, workflows.Decision{Path: "two", Action: workflows.RollbackCase, Reason: "a false alarm", By: "ann"})
	b.start([]plan.Step{use("one", "t.act", undoable), use("two", "t.fails"), use("never", "t.act")}, []plan.Step{use("seal", "t.act")})
	if u.refused != nil || u.failed != nil {
		t.Fatal(u)
	}
	if d := cmp.Diff([]string{"t.act one", "t.fails two", "t.act.undo one", "t.act seal"}, b.ran()); d != "" {
		t.Fatal(d)
	}
	state := b.state()
	if state.Outcome != workflows.OutcomeRolledBack || len(state.Decided) != 1 || state.Decided[0].Why != "a false alarm" {
		t.Fatalf("%s %+v", state.Outcome, state.Decided)
	}
}

func TestRetryWithAnEditedInput(t *testing.T) {
	b := newBench(t)
	b.does("t.picky", func(_ string, _ int32, in json.RawMessage) (any, error) {
		if !strings.Contains(string(in), `"node":"right"`) {
			return forbidden("", 0, nil)
		}
		return map[string]any{"summary": "done"}, nil
	})
	refused := b.decides(time.Minute, workflows.Decision{Path: "a", Action: workflows.SkipStep, Reason: "r", By: "ann", Set: map[string]any{"node": "x"}})
	taken := b.decides(2*time.Minute, workflows.Decision{Path: "a", Action: workflows.RetryStep, By: "ann", Set: map[string]any{"node": "right"}})
	b.start([]plan.Step{use("a", "t.picky", with(plan.Entry{Key: "node", Value: literal("wrong")}, plan.Entry{Key: "keep", Value: literal("k")}))}, nil)
	if refused.refused == nil || taken.refused != nil {
		t.Fatalf("%v, %v", refused.refused, taken.refused)
	}
	if b.inputs["a"] != `{"keep":"k","node":"right"}` {
		t.Fatal(b.inputs["a"])
	}
}

// TestARollbackThatLeavesAChangeSaysSo takes a case back, by its playbook and by a person, where one undo fails.
func TestARollbackThatLeavesAChangeSaysSo(t *testing.T) {
	for name, o := range map[string]plan.OnError{"onError": plan.RollBack, "a person": plan.Hold} {
		for _, nth := range []int{0, 1} {
			t.Run(name, func(t *testing.T) {
				in := planned([]plan.Step{use("one", "t.act", undoable), use("two", "t.act", undoable), use("bad", "t.fails", onError(o))},
					[]plan.Step{use("report", "t.look", with(expr("record", "run.record"), expr("outcome", "run.outcome")))})
				runs := chain(t, in, 0, func(_ int, b *bench) {
					b.tiring("t.act", nth)
					b.does("t.look", ok("written"))
					b.does("t.fails", forbidden)
					b.undoes("t.act", "two")
					b.decides(time.Minute, workflows.Decision{Action: workflows.RollbackCase, Reason: "a false alarm", By: "ann"})
				})
				last := runs[len(runs)-1]
				state := last.state()
				if state.Outcome != workflows.OutcomePartlyRolledBack || state.Status != workflows.Failed {
					t.Fatalf("%s, %s", state.Status, state.Outcome)
				}
				want := []activities.Standing{{Step: "two", Activity: "t.act", Summary: "did two", Why: "connection refused"}}
				if d := cmp.Diff(want, state.Standing); d != "" {
					t.Fatal(d)
				}
				if in := last.inputs["report"]; !strings.Contains(in, `"outcome":"partly rolled back"`) || !strings.Contains(in, `"standing":[{"activity":"t.act","step":"two"`) {
					t.Fatalf("the report is not told: %s", in)
				}
			})
		}
	}
}
