package cases_test

import (
	"testing"
	"time"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/workflows"
	"github.com/firebreak-ir/firebreak/workflows/cases"
)

// TestDuplicates shows what becomes of further alerts of a key, on a real Temporal.
func TestDuplicates(t *testing.T) {
	w := newWorld(t)
	w.works()
	start := func(d plan.Dedup, steps ...plan.Step) cases.Started {
		t.Helper()
		in := input(w.cluster, steps...)
		in.Plan.Dedup = d
		started, err := w.Start(t.Context(), plan.WorkflowID("test", "dup"), in)
		if err != nil {
			t.Fatal(err)
		}
		return started
	}
	ended := func(s cases.Started) workflows.State {
		t.Helper()
		of := cases.Case{ID: s.Case, Workflow: s.Workflow, Run: s.Run, Cluster: w.cluster}
		w.until(of, "held", held)
		if err := w.Decide(t.Context(), of, workflows.Decision{Path: "gate", Action: workflows.SkipStep, Reason: "enough", By: "ann"}); err != nil {
			t.Fatal(err)
		}
		return w.until(of, "closed", closed).State
	}
	drop := plan.Dedup{OnDuplicate: plan.Drop, ReopenWithin: time.Hour}
	first := start(drop, guarded("gate"))
	if first.Joined || first.Dropped || first.Reopens != "" {
		t.Fatalf("%+v", first)
	}
	if second := start(drop, guarded("gate")); !second.Dropped || second.Case != first.Case {
		t.Fatalf("%+v", second)
	}
	if state := ended(first); state.Alerts != 1 {
		t.Fatalf("%d alerts are counted, also the dropped one", state.Alerts)
	}
	next := start(drop, guarded("gate"))
	if next.Joined || next.Reopens != first.Case || next.Case == first.Case {
		t.Fatalf("%+v", next)
	}
	if third := start(plan.Dedup{ReopenWithin: time.Hour}, guarded("gate")); !third.Joined || third.Reopens != "" {
		t.Fatalf("%+v", third)
	}
	if state := ended(next); state.Alerts != 2 || state.Reopens != first.Case {
		t.Fatalf("%d alerts, reopens %q", state.Alerts, state.Reopens)
	}
	late := start(plan.Dedup{ReopenWithin: time.Nanosecond}, guarded("gate"))
	if late.Reopens != "" {
		t.Fatalf("%+v", late)
	}
	ended(late)
	if again := start(plan.Dedup{OnDuplicate: plan.New}, guarded("gate")); !again.Dropped || again.Case != late.Case {
		t.Fatalf("a case of its own is opened for an alert that had one: %+v", again)
	}
}
