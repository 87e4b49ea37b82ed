package workflows_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/workflows"
)

func change(path, input string) workflows.Undoable {
	return workflows.Undoable{
		Activity: "t.act", Place: activities.OnCluster, Input: map[string]any{"pod": input},
		Call: activities.Call{Case: "test-1.1", Step: path, Key: "test-1.1/" + path},
	}
}

func TestUndoGoesFromLastToFirstAndCollectsFailures(t *testing.T) {
	b := newBench(t)
	var undone []string
	b.RegisterActivityWithOptions(func(_ context.Context, in workflows.UndoActivityInput) error {
		undone = append(undone, in.Call.Step+" "+string(in.Input)+string(in.Output))
		if in.Call.Step == "second" && len(in.Output) == 0 {
			return errors.New("connection refused")
		}
		return nil
	}, activity.RegisterOptions{Name: workflows.UndoActivity("t.act")})
	b.does(workflows.NoteUndo, ok("noted"))
	third := change("third", "c")
	third.Output = map[string]any{"summary": "cordoned node-1", "was": 1}
	b.ExecuteWorkflow(workflows.UndoWorkflow, workflows.UndoInput{
		Case: "test-1.1", Cluster: "lab", By: "ann", Reason: "a drill", Changes: []workflows.Undoable{change("first", "a"), change("second", "b"), third},
	})
	var result workflows.UndoResult
	if err := b.GetWorkflowResult(&result); err != nil {
		t.Fatal(err)
	}
	want := append([]string{`third {"pod":"c"}{"summary":"cordoned node-1","was":1}`}, append(repeat(`second {"pod":"b"}`, 8), `first {"pod":"a"}`)...)
	if diff := cmp.Diff(want, undone); diff != "" {
		t.Fatal(diff)
	}
	if result.Failures() != 1 || result.Outcome() != workflows.OutcomePartlyUndone || len(result.Steps) != 4 {
		t.Fatalf("%+v", result)
	}
	said := []string{result.Steps[0].Summary, result.Steps[2].Summary}
	if diff := cmp.Diff([]string{"took back: cordoned node-1", "took back what t.act may have begun: it never reported"}, said); diff != "" {
		t.Fatal(diff)
	}
	if note := b.inputs["undo"]; !strings.Contains(note, "2 changes undone for ann: a drill; not undone: second") {
		t.Fatalf("noted %s", note)
	}
}

// TestALongUndoIsAChainOfRuns: a thousand changes are more than one run's history may hold. Each change is taken back once,
// the last one first, and the last run tells and notes of all of them.
func TestALongUndoIsAChainOfRuns(t *testing.T) {
	var all []workflows.Undoable
	for i := range 1000 {
		all = append(all, change(fmt.Sprintf("all[%d]/x", i/2), fmt.Sprint(i)))
	}
	whole := workflows.UndoInput{Case: "test-1.1", Cluster: "lab", By: "ann", Drill: true, Changes: all}
	t.Run("all of it fits into the start", func(t *testing.T) { longUndo(t, whole, all) })
	parts := whole
	parts.Changes, parts.First, parts.Workflow, parts.Run = all[800:], 800, "test-1", "r"
	parts.Earlier = []workflows.Span{{From: 0, Until: 350}, {From: 350, Until: 800}}
	t.Run("the last part of it does", func(t *testing.T) { longUndo(t, parts, all) })
}

func longUndo(t *testing.T, in workflows.UndoInput, all []workflows.Undoable) {
	t.Helper()
	var undone []string
	var want []string
	runs, noted := 0, ""
	for {
		runs++
		b := newBench(t)
		mine := 0
		b.RegisterActivityWithOptions(func(_ context.Context, in workflows.UndoActivityInput) error {
			undone = append(undone, string(in.Input))
			mine++
			b.SetCurrentHistoryLength(6 * mine)
			return nil
		}, activity.RegisterOptions{Name: workflows.UndoActivity("t.act")})
		b.does(workflows.NoteUndo, ok("noted"))
		b.does(workflows.CaseChanges, func(_ string, _ int32, raw json.RawMessage) (any, error) {
			var part workflows.ChangesIn
			if err := json.Unmarshal(raw, &part); err != nil || part.Workflow != "test-1" || part.Case != "test-1.1" {
				t.Errorf("%v, %+v", err, part)
			}
			return workflows.ChangesOut{Changes: all[part.From:part.Until]}, nil
		})
		b.ExecuteWorkflow(workflows.UndoWorkflow, in)
		if mine > 600 {
			t.Fatalf("a run of %d changes is longer than 4,096 events", mine)
		}
		var next *workflow.ContinueAsNewError
		if errors.As(b.GetWorkflowError(), &next) {
			in = workflows.UndoInput{}
			if err := converter.GetDefaultDataConverter().FromPayloads(next.Input, &in); err != nil || !in.Drill || in.By != "ann" {
				t.Fatal(err, in)
			}
			continue
		}
		var result workflows.UndoResult
		if err := b.GetWorkflowResult(&result); err != nil || len(result.Steps) != 1001 || result.Failures() != 0 {
			t.Fatalf("%v: %d records", err, len(result.Steps))
		}
		if first, second, last := result.Steps[0].Path, result.Steps[1].Path, result.Steps[999].Path; first != "all[499]/x#2" || second != "all[499]/x" || last != "all[0]/x" {
			t.Fatalf("%s, %s, %s", first, second, last)
		}
		noted = b.inputs["undo"]
		break
	}
	for i := 999; i >= 0; i-- {
		want = append(want, fmt.Sprintf(`{"pod":"%d"}`, i))
	}
	if diff := cmp.Diff(want, undone); diff != "" || runs < 3 || !strings.Contains(noted, "1000 changes undone for ann") {
		t.Fatalf("%d runs, noted %s\n%s", runs, noted, diff)
	}
}

func repeat(s string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = s
	}
	return out
}
