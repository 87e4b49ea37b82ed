package workflows_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

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

// TestASweepTellsPeopleOfOrphansOnce sweeps as a schedule does, which hands each run what the one before found.
func TestASweepTellsPeopleOfOrphansOnce(t *testing.T) {
	first := workflows.Isolated{Kind: "Pod", Namespace: "shop", Name: "web-0", Mark: "isolated", Case: "closed.1"}
	second := workflows.Isolated{Kind: "Node", Name: "n1", Mark: "cordoned", Case: "closed.2"}
	open := workflows.Isolated{Kind: "Pod", Namespace: "shop", Name: "web-1", Mark: "isolated", Case: "open.1"}
	var last workflows.SweepResult
	now := time.Date(2026, 7, 1, 3, 0, 0, 0, time.UTC)
	for _, sweep := range []struct {
		what  string
		found []workflows.Isolated
		after time.Duration
		up    bool
		told  int
	}{
		{"nothing of closed cases", []workflows.Isolated{open}, time.Hour, true, 0},
		{"an orphan, and nobody can be told", []workflows.Isolated{first}, time.Hour, false, 1},
		{"the same one", []workflows.Isolated{first}, time.Hour, true, 1},
		{"the same one again", []workflows.Isolated{first, open}, time.Hour, true, 0},
		{"another one", []workflows.Isolated{first, second}, time.Hour, true, 1},
		{"fewer", []workflows.Isolated{second}, time.Hour, true, 0},
		{"still there after a day", []workflows.Isolated{second}, 25 * time.Hour, true, 1},
	} {
		b := sweepBench(t, sweep.found)
		b.SetStartTime(now)
		b.SetLastCompletionResult(last)
		var told []message
		b.does(workflows.Notify, func(_ string, n int32, in json.RawMessage) (any, error) {
			var m message
			if err := json.Unmarshal(in, &m); err != nil {
				return nil, err
			}
			if n == 1 {
				told = append(told, m)
			}
			if !sweep.up {
				return broken("", n, in)
			}
			return map[string]any{"status": "done"}, nil
		})
		b.ExecuteWorkflow(workflows.SweepWorkflow, workflows.SweepInput{Cluster: "lab", Notify: true})
		if err := b.GetWorkflowResult(&last); err != nil {
			t.Fatal(err)
		}
		if len(told) != sweep.told || len(told) > 0 && !strings.Contains(told[0].Title, "lab") {
			t.Errorf("%s: told %+v", sweep.what, told)
		}
		now = now.Add(sweep.after)
		if next := b.Now(); next.After(now) {
			now = next
		}
	}
}

func TestASweepByHandTellsNobody(t *testing.T) {
	b := sweepBench(t, []workflows.Isolated{{Kind: "Node", Name: "n1", Mark: "cordoned", Case: "closed.2"}})
	b.does(workflows.Notify, ok("told"))
	b.ExecuteWorkflow(workflows.SweepWorkflow, workflows.SweepInput{Cluster: "lab"})
	if b.GetWorkflowError() != nil || b.calls(workflows.Notify) != 0 {
		t.Fatalf("%v, %d messages", b.GetWorkflowError(), b.calls(workflows.Notify))
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
