package workflows_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"go.temporal.io/sdk/temporal"

	enumspb "go.temporal.io/api/enums/v1"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/workflows"
)

// TestPeopleAreAskedInAMinuteWhereNobodyCanLookAhead has 45 changes ahead, of which the cluster's worker answers for the first alone.
func TestPeopleAreAskedInAMinuteWhereNobodyCanLookAhead(t *testing.T) {
	b := newBench(t)
	b.does("t.change", ok("would isolate it"))
	late := temporal.NewTimeoutError(enumspb.TIMEOUT_TYPE_SCHEDULE_TO_CLOSE, nil)
	b.OnActivity("t.change", mock.Anything, mock.MatchedBy(func(in workflows.ActivityInput) bool { return in.Call.Step != "first" })).
		After(time.Minute).Return(nil, late)
	b.OnActivity("t.change", mock.Anything, mock.Anything).Return(json.RawMessage(`{"summary": "would isolate it"}`), nil)
	in := asking(func(a *plan.Approve, _ *workflows.Input) { a.Show = []plan.Expr{source("plan.diff")} })
	in.Plan.Steps = append(in.Plan.Steps[:1], use("first", "t.change", undoable))
	for i := range 44 {
		in.Plan.Steps = append(in.Plan.Steps, use(fmt.Sprintf("more%d", i), "t.change", undoable))
	}
	var asked *workflows.Question
	b.RegisterDelayedCallback(func() {
		for _, q := range b.state().Questions {
			asked = q
		}
		b.CancelWorkflow()
	}, 2*time.Hour)
	b.ExecuteWorkflow(workflows.CaseWorkflow, in)
	if asked == nil {
		t.Fatal("nobody is asked")
	}
	if took := asked.Asked.Sub(b.state().Started); took > 2*time.Minute {
		t.Errorf("people are asked after %s", took)
	}
	shown, _ := asked.Shown.(map[string]any)
	diff, _ := shown["plan.diff"].([]any)
	if len(diff) != 45 {
		t.Fatalf("%d changes are shown", len(diff))
	}
	for i, d := range diff {
		m, _ := d.(map[string]any)
		want := "could not be looked at: "
		if i == 0 {
			want = "would isolate it"
		}
		if summary, _ := m["summary"].(string); !strings.HasPrefix(summary, want) {
			t.Errorf("%v", m)
		}
	}
}
