package workflows_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/workflows"
)

func TestASweepReportsWhatNoOpenCaseHolds(t *testing.T) {
	open := workflows.Isolated{Kind: "Pod", Namespace: "shop", Name: "web-0", Mark: "isolated", Case: "open.1"}
	closed := workflows.Isolated{Kind: "NetworkPolicy", Namespace: "shop", Name: "firebreak-quarantine-1", Mark: "policy", Case: "closed.1"}
	nobodys := workflows.Isolated{Kind: "Node", Name: "n1", Mark: "cordoned"}
	tests := map[string]struct {
		found   []workflows.Isolated
		orphans []workflows.Orphan
	}{
		"nothing":           {nil, []workflows.Orphan{}},
		"of an open case":   {[]workflows.Isolated{open}, []workflows.Orphan{}},
		"of others as well": {[]workflows.Isolated{closed, open, nobodys, closed}, []workflows.Orphan{{closed, "closed"}, {nobodys, "unknown"}, {closed, "closed"}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := sweepBench(t, test.found)
			b.ExecuteWorkflow(workflows.SweepWorkflow, workflows.SweepInput{Cluster: "lab"})
			var got workflows.SweepResult
			if err := b.GetWorkflowResult(&got); err != nil {
				t.Fatal(err)
			}
			want := workflows.SweepResult{Cluster: "lab", Found: len(test.found), Orphans: test.orphans}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatal(diff)
			}
		})
	}
}

func TestASweepThatMayNotLookSaysSo(t *testing.T) {
	b := newBench(t)
	b.RegisterWorkflowWithOptions(workflows.New().Sweep, workflow.RegisterOptions{Name: workflows.SweepWorkflow})
	b.does(workflows.FindIsolated, forbidden)
	b.ExecuteWorkflow(workflows.SweepWorkflow, workflows.SweepInput{Cluster: "lab"})
	if got := kind(t, b.GetWorkflowError()); got != string(activities.Forbidden) {
		t.Fatal(got)
	}
}

func sweepBench(t *testing.T, found []workflows.Isolated) *bench {
	t.Helper()
	b := newBench(t)
	b.RegisterWorkflowWithOptions(workflows.New().Sweep, workflow.RegisterOptions{Name: workflows.SweepWorkflow})
	b.does(workflows.FindIsolated, func(string, int32, json.RawMessage) (any, error) { return map[string]any{"found": found}, nil })
	b.does(workflows.OpenCases, func(_ string, _ int32, raw json.RawMessage) (any, error) {
		var in workflows.OpenCasesIn
		if err := json.Unmarshal(raw, &in); err != nil {
			return nil, err
		}
		if !slices.Equal(in.Cases, slices.Compact(slices.Clone(in.Cases))) || slices.Contains(in.Cases, "") {
			t.Errorf("asked about %q", in.Cases)
		}
		out := workflows.OpenCasesOut{}
		for _, id := range in.Cases {
			out.Standing = append(out.Standing, map[bool]string{true: "open", false: "closed"}[id == "open.1"])
		}
		return out, nil
	})
	return b
}
