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
	"github.com/firebreak-ir/firebreak/workflows/authority"
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
	t.Run("1,800 signals and 30 votes", func(t *testing.T) { t.Parallel(); w.manySignals(t) })
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
	files, err := filepath.Glob(filepath.Join(w.store.Root(), of.ID, "data", "history*.json"))
	if err != nil || len(files) != runs {
		t.Errorf("%d runs, but %q is kept, %v", runs, files, err)
	}
}

// manySignals holds a case, which asks people besides, while 1,400 further alerts, 400 notes and 30 votes come, and then lets it end.
func (w *world) manySignals(t *testing.T) {
	in := input(w.cluster, mark("before"),
		plan.Step{ID: "both", Path: "both", Phase: "contain", OnError: plan.Hold, Parallel: []plan.Step{guarded("gate"), {
			ID: "vote", Path: "both/vote", Phase: "contain", OnError: plan.Hold, Approve: &plan.Approve{
				Title: plan.Value{Literal: "Contain?"}, From: "all", Choices: []string{"contain", "leave"},
			},
		}}}, mark("after"))
	in.Plan.Approvers = []plan.Approver{{Name: "all", Groups: []string{"people"}, Quorum: 30}}
	of := w.opened("signals", in)
	w.until(of, "held and asking", func(v cases.View) bool { return held(v) && len(v.Questions) == 1 })
	var wait sync.WaitGroup
	for part := range 10 {
		wait.Go(func() { w.pesters(t, of, part) })
	}
	wait.Wait()
	view := w.until(of, "counting", func(v cases.View) bool { return v.Alerts == 1401 && held(v) && len(v.Questions) == 1 })
	if q := view.Questions[0]; len(q.Votes) != 20 || len(view.Signals) != 100 || view.Unproven != 0 {
		t.Errorf("%d votes, %d notes, %d unproven", len(q.Votes), len(view.Signals), view.Unproven)
	}
	if view.Run == of.Run {
		t.Error("the run was not left while the case was held")
	}
	for i := range 10 { // the quorum is reached by votes of two runs
		w.votesFor(t, of, fmt.Sprintf("late-%d", i))
	}
	d := workflows.Decision{Path: "both/gate", Action: workflows.SkipStep, Reason: "enough", By: "ann"}
	if err := w.Decide(t.Context(), of, d); err != nil {
		t.Fatal(err)
	}
	last := w.until(of, "closed", closed)
	votes, _ := outputOf(last, "both/vote").(map[string]any)
	list, _ := votes["votes"].([]any)
	if last.Alerts != 1401 || last.Outcome != workflows.OutcomePartly || len(last.Decided) != 31 || len(list) != 30 {
		t.Fatalf("%d alerts, %s, %d decisions, %d votes", last.Alerts, last.Outcome, len(last.Decided), len(list))
	}
	w.short(t, of, 2)
	found, err := w.Find(t.Context(), of.ID)
	if err != nil || found.ID != of.ID || found.Started.Sub(last.Started).Abs() > time.Second {
		t.Errorf("%+v, %v", found, err)
	}
}

// pesters tells a case a tenth of what comes.
func (w *world) pesters(t *testing.T, of cases.Case, part int) {
	for i := range 140 {
		started, err := w.Start(t.Context(), of.Workflow, input(w.cluster))
		if err != nil || started.Case != of.ID || !started.Joined {
			t.Errorf("%+v, %v", started, err)
			return
		}
		if i%7 < 2 {
			note := workflows.Note{Signal: plan.Signal{Name: "vendor", By: "bob", Data: map[string]any{"part": part, "i": i}}}
			if err := w.Tell(t.Context(), of, note); err != nil {
				t.Error(err)
			}
		}
		if i%70 == 69 {
			w.votesFor(t, of, fmt.Sprintf("early-%d-%d", part, i))
		}
	}
}

func (w *world) votesFor(t *testing.T, of cases.Case, who string) {
	d := authority.Decision{Case: of.ID, Step: "both/vote", Choice: "contain", Subject: who, Nonce: "of " + who}
	if err := w.Approve(t.Context(), of, d); err != nil {
		t.Errorf("%s: %v", who, err)
	}
}

// signalsOfARun is how many signals Temporal lets one run take; allEvents is how long it lets a history become.
const (
	signalsOfARun = 10_000
	allEvents     = 51_200
)

// TestAlertsThatComeInALongActivityAreAllCounted has 2,000 alerts come while one activity is in flight: its run cannot be left until
// that is through, so its history grows beyond what Temporal wants. The bound is what a run may take, and all of that must fit.
func TestAlertsThatComeInALongActivityAreAllCounted(t *testing.T) {
	w := newWorld(t)
	over := make(chan struct{})
	w.more = []activities.Definition{lasting(over)}
	w.works()
	capture := use("capture", "test.lasting", activities.OnAnalysis, activities.Capture)
	capture.Uses.Timeout = 10 * time.Minute
	of := w.start("busy", capture, mark("after"))
	w.until(of, "in the capture", func(v cases.View) bool { return len(v.Pending) == 1 && v.Pending[0].Started })
	const alerts = 2000
	var wait sync.WaitGroup
	for range 4 { // few at a time, so that hardly two come in one task: that is the longest history
		wait.Go(func() {
			for range alerts / 4 {
				if started, err := w.Start(t.Context(), of.Workflow, input(w.cluster)); err != nil || started.Case != of.ID {
					t.Errorf("%+v, %v", started, err)
					return
				}
			}
		})
	}
	wait.Wait()
	close(over)
	last := w.until(of, "closed", closed)
	if last.Alerts != alerts+1 || last.Outcome != workflows.OutcomeContained {
		t.Fatalf("%d alerts, %s", last.Alerts, last.Outcome)
	}
	info, err := w.Client().DescribeWorkflowExecution(t.Context(), of.Workflow, of.Run)
	if err != nil {
		t.Fatal(err)
	}
	events := info.GetWorkflowExecutionInfo().GetHistoryLength()
	t.Logf("%d events for %d alerts", events, alerts)
	if events*signalsOfARun/alerts >= allEvents {
		t.Errorf("%d events for %d alerts: %d of them would end the run", events, alerts, signalsOfARun)
	}
	if last.Run == of.Run {
		t.Error("the run was not left when the activity was through")
	}
}

// lasting is an activity that takes until it is told to end.
func lasting(over <-chan struct{}) activities.Definition {
	return activities.Define(activities.Activity[markIn, markOut]{
		Name: "test.lasting", Effect: activities.Capture, Place: activities.OnAnalysis,
		Run: func(ctx context.Context, _ activities.Call, in markIn) (markOut, error) {
			select {
			case <-ctx.Done():
				return markOut{}, ctx.Err()
			case <-over:
				return markOut{activities.Result{Status: activities.Done, Summary: "captured " + in.Name}}, nil
			}
		},
	})
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
