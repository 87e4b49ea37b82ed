package cases_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/workflows"
	"github.com/firebreak-ir/firebreak/workflows/cases"
)

// mostEvents is the length at which Temporal wants a run to be left.
const mostEvents = 4096

// TestLongCasesStayShort runs cases on a real Temporal whose history would be far longer than one run should have.
func TestLongCasesStayShort(t *testing.T) {
	w := newWorld(t)
	w.more = append(w.more, endless())
	w.works()
	t.Run("1,000 items", func(t *testing.T) { t.Parallel(); w.manyItems(t) })
	t.Run("a cancellation", func(t *testing.T) { t.Parallel(); w.canceledWhenLong(t) })
	t.Run("500 steps", func(t *testing.T) { t.Parallel(); w.manySteps(t) })
	t.Run("2,000 signals", func(t *testing.T) { t.Parallel(); w.manySignals(t) })
}

func (w *world) manyItems(t *testing.T) {
	items := make([]plan.Value, 1000)
	for i := range items {
		items[i] = plan.Value{Literal: fmt.Sprintf("item-%d", i)}
	}
	do := mark("label")
	do.Uses.With = plan.Value{Map: []plan.Entry{{Key: "name", Value: plan.Value{Expr: &plan.Expr{Source: "item"}}}}}
	of := w.start("items",
		plan.Step{
			ID: "list", Path: "list", Phase: "contain", OnError: plan.Hold, Output: "{of: [string]}",
			Set: []plan.Entry{{Key: "of", Value: plan.Value{List: items}}},
		},
		plan.Step{
			ID: "each", Path: "each", Phase: "contain", OnError: plan.Hold,
			Foreach: &plan.Foreach{In: plan.Expr{Source: "steps.list.output.of"}, As: "item", Item: "string", Concurrency: 32, Max: 2000, Do: []plan.Step{do}},
		},
		plan.Step{
			ID: "sum", Path: "sum", Phase: "contain", OnError: plan.Hold, Output: "{n: integer, last: string}",
			Set: []plan.Entry{
				{Key: "n", Value: plan.Value{Expr: &plan.Expr{Source: "size(steps.each.items)"}}},
				{Key: "last", Value: plan.Value{Expr: &plan.Expr{Source: "steps.each.items[999].label.output.summary"}}},
			},
		})
	last := w.until(of, "closed", closed)
	if sum, _ := outputOf(last, "sum").(map[string]any); last.Outcome != workflows.OutcomeContained || sum["last"] != "marked item-999" {
		t.Fatalf("%s %v", last.Outcome, sum)
	}
	marked := slices.Sorted(slices.Values(slices.DeleteFunc(w.marks(), func(name string) bool { return len(name) < 6 || name[:5] != "item-" })))
	if len(marked) != 1000 || len(slices.Compact(marked)) != 1000 {
		t.Errorf("%d marks", len(marked))
	}
	changes, err := w.Changes(t.Context(), of)
	if err != nil || len(changes) != 1000 {
		t.Errorf("%d changes can be undone, %v", len(changes), err)
	}
	w.short(t, of, 2)
}

// endless is a capture that only a cancellation ends.
func endless() activities.Definition {
	return activities.Define(activities.Activity[markIn, markOut]{
		Name: "test.endless", Effect: activities.Capture, Place: activities.OnAnalysis,
		Run: func(ctx context.Context, _ activities.Call, _ markIn) (markOut, error) {
			<-ctx.Done()
			return markOut{}, ctx.Err()
		},
	})
}

// canceledWhenLong cancels a case that is to be left and waits for a capture, deep inside of blocks.
func (w *world) canceledWhenLong(t *testing.T) {
	block := func(id string, change func(*plan.Step)) plan.Step {
		s := plan.Step{ID: id, Path: id, Phase: "contain", OnError: plan.Hold}
		change(&s)
		return s
	}
	items := func(id string, n int, do plan.Step) plan.Step {
		return block(id, func(s *plan.Step) {
			list := fmt.Sprintf("[%s'']", strings.Repeat("'', ", n-1))
			s.Foreach = &plan.Foreach{In: plan.Expr{Source: list}, As: "item", Item: "string", Concurrency: 32, Max: 2000, Do: []plan.Step{do}}
		})
	}
	capture := use("capture", "test.endless", activities.OnAnalysis, activities.Capture)
	capture.Uses.Timeout = time.Hour
	deep := items("deep", 1, block("b", func(s *plan.Step) { s.Parallel = []plan.Step{items("deeper", 1, capture)} }))
	of := w.start("canceled", block("a", func(s *plan.Step) { s.Parallel = []plan.Step{items("many", 900, mark("filler")), deep} }), mark("never"))
	w.until(of, "waiting for the capture alone", func(v cases.View) bool {
		return len(v.Pending) == 1 && v.Pending[0].Started && len(v.Steps) > 500
	})
	if err := w.Cancel(t.Context(), of); err != nil {
		t.Fatal(err)
	}
	last := w.until(of, "closed", closed)
	if last.Outcome != workflows.OutcomeCanceled || slices.Contains(w.marks(), "never") {
		t.Fatalf("%s, %s", last.Status, last.Outcome)
	}
	for _, s := range last.Steps {
		if s.Status == activities.StepRunning || s.Path == "seal" && s.Status != activities.StepDone {
			t.Errorf("%s is %s", s.Path, s.Status)
		}
	}
	w.short(t, of, 1)
}

func (w *world) manySteps(t *testing.T) {
	var steps []plan.Step
	for i := range 500 {
		steps = append(steps, mark(fmt.Sprintf("s%d", i)))
	}
	of := w.start("steps", steps...)
	last := w.until(of, "closed", closed)
	if last.Outcome != workflows.OutcomeContained || len(last.Steps) != 502 {
		t.Fatalf("%s, %d steps", last.Outcome, len(last.Steps))
	}
	for _, s := range last.Steps {
		if s.Status != activities.StepDone {
			t.Errorf("%s is %s", s.Path, s.Status)
		}
	}
	runs := w.short(t, of, 2)
	files, err := filepath.Glob(filepath.Join(w.store.Root(), of.ID, "history*.json"))
	if err != nil || len(files) != runs {
		t.Errorf("%d runs, but %q is kept, %v", runs, files, err)
	}
}

// manySignals holds a case while 2,000 further alerts come, and then lets it end.
func (w *world) manySignals(t *testing.T) {
	of := w.start("signals", mark("before"), guarded("gate"), mark("after"))
	w.until(of, "held", held)
	var wait sync.WaitGroup
	for range 20 {
		wait.Go(func() {
			for range 100 {
				started, err := w.Start(t.Context(), of.Workflow, input(w.cluster))
				if err != nil || started.Case != of.ID || !started.Joined {
					t.Errorf("%+v, %v", started, err)
					return
				}
			}
		})
	}
	wait.Wait()
	w.until(of, "counting", func(v cases.View) bool { return v.Alerts == 2001 && held(v) })
	d := workflows.Decision{Path: "gate", Action: workflows.SkipStep, Reason: "enough", By: "ann"}
	if err := w.Decide(t.Context(), of, d); err != nil {
		t.Fatal(err)
	}
	last := w.until(of, "closed", closed)
	if last.Alerts != 2001 || last.Outcome != workflows.OutcomePartly || len(last.Decided) != 1 {
		t.Fatalf("%d alerts, %s, %+v", last.Alerts, last.Outcome, last.Decided)
	}
	w.short(t, of, 1)
	found, err := w.Find(t.Context(), of.ID)
	if err != nil || found.ID != of.ID || found.Started.Sub(last.Started).Abs() > time.Second {
		t.Errorf("%+v, %v", found, err)
	}
}

func outputOf(v cases.View, path string) any {
	for _, s := range v.Steps {
		if s.Path == path {
			return s.Output
		}
	}
	return nil
}

// short wants every run of the case's chain below the limit, and gives their number.
func (w *world) short(t *testing.T, of cases.Case, least int) int {
	t.Helper()
	found, err := w.Find(t.Context(), of.ID)
	if err != nil {
		t.Fatal(err)
	}
	runs := 0
	for run := found.Run; run != ""; {
		info, err := w.Client().DescribeWorkflowExecution(t.Context(), of.Workflow, run)
		if err != nil {
			t.Fatal(err)
		}
		runs++
		if n := info.GetWorkflowExecutionInfo().GetHistoryLength(); n >= mostEvents {
			t.Errorf("run %d has %d events", runs, n)
		}
		if run, err = w.Previous(t.Context(), of.Workflow, run); err != nil {
			t.Fatal(err)
		}
	}
	if runs < least {
		t.Errorf("%d runs", runs)
	}
	return runs
}
