package workflows_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/workflows"
)

// TestARetryWithAnotherInputIsAnotherChange: the first target was changed although its activity never answered. Both changes
// are taken back, the last one first, and the second call is not answered with what the first one did.
func TestARetryWithAnotherInputIsAnotherChange(t *testing.T) {
	isolate := use("isolate", "t.act", undoable, with(plan.Entry{Key: "pod", Value: literal("A")}))
	serve := func(b *bench) {
		b.does("t.act", func(_ string, _ int32, in json.RawMessage) (any, error) {
			if strings.Contains(string(in), `"A"`) {
				return nil, errors.New("no answer")
			}
			return map[string]any{"summary": "isolated B"}, nil
		})
		b.undoes("t.act")
	}
	toB := workflows.Decision{Path: "isolate", Action: workflows.RetryStep, By: "ann", Set: map[string]any{"pod": "B"}}
	t.Run("by a rollback", func(t *testing.T) {
		b := newBench(t)
		serve(b)
		b.decides(time.Minute, workflows.Decision{Path: "isolate", Action: workflows.RetryStep, By: "ann"})
		b.decides(2*time.Minute, toB)
		b.start([]plan.Step{isolate, rollbackStep("back"), use("after", "t.look", with(expr("n", "steps.back.output.undone")), onError(plan.Continue))}, nil)
		keys := slices.Compact(slices.Clone(b.keys)) // A, again and again; B; the undo of B; the undo of A
		if len(keys) != 3 || keys[0] != keys[2] || !strings.HasPrefix(keys[1], keys[0]+"/set-") || b.calls("t.act.undo") != 2 {
			t.Fatalf("keys %q", keys)
		}
		first, second := b.step("back/undo/isolate"), b.step("back/undo/isolate#2")
		if first.Summary != "took back what t.act may have begun: it never reported" || second.Summary != "took back: isolated B" || first.Started.Before(second.Started) {
			t.Fatalf("%+v\n%+v", first, second)
		}
		if left := query[[]workflows.Undoable](b, workflows.UndoQuery); len(left) != 0 {
			t.Fatalf("%+v", left)
		}
	})
	t.Run("by an undo of the case", func(t *testing.T) {
		b := newBench(t)
		serve(b)
		b.decides(time.Minute, toB)
		b.start([]plan.Step{isolate}, nil)
		changes := query[[]workflows.Undoable](b, workflows.UndoQuery)
		var pods []string
		for _, u := range changes {
			pods = append(pods, string(must(json.Marshal(u.Input))))
		}
		if d := cmp.Diff([]string{`{"pod":"A"}`, `{"pod":"B"}`}, pods); d != "" {
			t.Fatal(d)
		}
		undo := newBench(t)
		serve(undo)
		undo.does(workflows.NoteUndo, ok("noted"))
		undo.ExecuteWorkflow(workflows.UndoWorkflow, workflows.UndoInput{Case: "c", Cluster: "lab", Changes: changes})
		var result workflows.UndoResult
		if err := undo.GetWorkflowResult(&result); err != nil || len(result.Steps) != 3 {
			t.Fatal(err, result)
		}
		if got := []string{result.Steps[0].Path, result.Steps[1].Path}; !slices.Equal(got, []string{"isolate#2", "isolate"}) {
			t.Fatalf("undone %q", got)
		}
	})
}

func must(raw []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return raw
}

// TestARetryWithTheSameInputIsTheSameChange: also where a person has set what stood there already.
func TestARetryWithTheSameInputIsTheSameChange(t *testing.T) {
	act := use("a", "t.act", undoable, with(plan.Entry{Key: "n", Value: literal(int64(3))}, plan.Entry{Key: "keep", Value: literal("k")}))
	b := newBench(t)
	granted := false
	b.does("t.act", mended(&granted))
	b.decides(time.Minute, workflows.Decision{Path: "a", Action: workflows.RetryStep, By: "ann", Set: map[string]any{"keep": "k"}})
	b.RegisterDelayedCallback(func() { granted = true }, 30*time.Second)
	b.start([]plan.Step{act}, nil)
	if left := query[[]workflows.Undoable](b, workflows.UndoQuery); len(left) != 1 || len(b.keys) != 2 || b.keys[0] != b.keys[1] {
		t.Fatalf("%+v, keys %q", left, b.keys)
	}
}

// TestAnEditCountsUnderThePlaybooksOwnKeyToo: an activity that knows the key already must not answer with the first target.
func TestAnEditCountsUnderThePlaybooksOwnKeyToo(t *testing.T) {
	b := newBench(t)
	granted := false
	b.does("t.act", mended(&granted))
	b.RegisterDelayedCallback(func() { granted = true }, 30*time.Second)
	b.decides(time.Minute, workflows.Decision{Path: "a", Action: workflows.RetryStep, By: "ann", Set: map[string]any{"pod": "B"}})
	own := literal("mine")
	b.start([]plan.Step{use("a", "t.act", undoable, func(s *plan.Step) { s.Uses.Key = &own })}, nil)
	if len(b.keys) != 2 || b.keys[0] != "mine" || !strings.HasPrefix(b.keys[1], "mine/set-") {
		t.Fatalf("%q", b.keys)
	}
}
