package workflows_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/activity"

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

func repeat(s string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = s
	}
	return out
}
