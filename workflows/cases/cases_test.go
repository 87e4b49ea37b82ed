package cases_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/custody"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/workflows"
	"github.com/firebreak-ir/firebreak/workflows/cases"
	"github.com/google/go-cmp/cmp"
)

// TestACaseFromAlertToUndo goes the whole way on a real Temporal: one world, since a namespace takes seconds to make.
func TestACaseFromAlertToUndo(t *testing.T) {
	w := newWorld(t)
	stop := w.works()
	t.Run("200 alerts at once are one case", w.manyAlerts)
	t.Run("hold, retry, undo", w.holdRetryUndo)
	t.Run("hold, abort, undo", w.abortAndUndo)
	t.Run("cancel in a capture", w.cancel)
	t.Run("abort in a capture", w.abortRunning)
	t.Run("find and list", w.findAndList)
	stop()
	t.Run("no worker", w.nobodyWorks)
}

func (w *world) manyAlerts(t *testing.T) {
	const n = 200
	var wait sync.WaitGroup
	started := make([]cases.Started, n)
	for i := range n {
		wait.Go(func() {
			var err error
			started[i], err = w.Start(t.Context(), plan.WorkflowID("test", "many"), input(w.cluster, guarded("gate")))
			if err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	fresh := 0
	for _, s := range started {
		if s.Case != started[0].Case {
			t.Fatalf("%s and %s are two cases", s.Case, started[0].Case)
		}
		if !s.Joined {
			fresh++
		}
	}
	if fresh != 1 {
		t.Errorf("%d starts say that they opened the case", fresh)
	}
	of := cases.Case{ID: started[0].Case, Workflow: started[0].Workflow, Run: started[0].Run}
	view := w.until(of, "counting 200 alerts", func(v cases.View) bool { return v.Alerts == n })
	if len(view.Joined) != 20 {
		t.Errorf("%d alerts are kept", len(view.Joined))
	}
	d := workflows.Decision{Path: "gate", Action: workflows.SkipStep, Reason: "enough", By: "ann"}
	w.until(of, "held", held)
	if err := w.Decide(t.Context(), of, d); err != nil {
		t.Fatal(err)
	}
	w.until(of, "closed", closed)
	w.replays(t, of, "skipped")
}

func (w *world) holdRetryUndo(t *testing.T) {
	of := w.start("retry", mark("first"), guarded("second"),
		plan.Step{ID: "both", Path: "both", Phase: "preserve", OnError: plan.Hold, Parallel: []plan.Step{mark("left"), slow("right")}})
	view := w.until(of, "held", held)
	want := []workflows.HeldStep{{Path: "second", Error: "marks are forbidden", Kind: "Forbidden", Advice: "grant marks to the worker"}}
	if diff := cmp.Diff(want, view.Holds); diff != "" {
		t.Fatal(diff)
	}
	w.refuses(t, of)
	w.grant(true)
	if err := w.Decide(t.Context(), of, workflows.Decision{Path: "second", Action: workflows.RetryStep, By: "ann"}); err != nil {
		t.Fatal(err)
	}
	progress := w.until(of, "in the capture", func(v cases.View) bool { return len(v.Pending) == 1 && v.Pending[0].Progress.Total == 40 })
	if p := progress.Pending[0]; p.Path != "both/right" || p.Activity != "test.slow" || !p.Started {
		t.Errorf("pending is %+v", p)
	}
	last := w.until(of, "closed", closed)
	if last.Status != workflows.Completed || last.Outcome != workflows.OutcomeContained {
		t.Fatalf("%s, %s", last.Status, last.Outcome)
	}
	w.undoes(t, of, 3)
	w.undoes(t, of, 3)
	w.replays(t, of, "retried")
	w.replays(t, cases.Case{Workflow: cases.UndoID(of.ID)}, "undone")
}

// refuses asks for what cannot be while the case is held.
func (w *world) refuses(t *testing.T, of cases.Case) {
	t.Helper()
	bad := workflows.Decision{Path: "first", Action: workflows.RetryStep, By: "ann"}
	if err := w.Decide(t.Context(), of, bad); !errors.Is(err, cases.ErrRefused) || !strings.Contains(err.Error(), `held are: ["second"]`) {
		t.Fatalf("got %v", err)
	}
	_, err := w.Undo(t.Context(), of, cases.UndoRequest{By: "ann"}, func(workflows.UndoResult) {})
	if !errors.Is(err, cases.ErrRefused) || !strings.Contains(err.Error(), "held") {
		t.Fatalf("got %v", err)
	}
}

func (w *world) grant(yes bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.granted = yes
}

func (w *world) undoes(t *testing.T, of cases.Case, changes int) {
	t.Helper()
	shown := workflows.UndoResult{}
	result, err := w.Undo(t.Context(), of, cases.UndoRequest{By: "ann", Reason: "a drill", AbortHeld: true},
		func(r workflows.UndoResult) { shown = r })
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Steps) != changes+1 || result.Failures() != 0 || len(shown.Steps) != len(result.Steps) {
		t.Fatalf("%+v", result)
	}
	if left := w.marks(); len(left) != 0 {
		t.Fatalf("left after the undo: %q", left)
	}
	w.verifies(t, of)
}

// verifies reads the case's evidence: sealed before the undo, and valid after it.
func (w *world) verifies(t *testing.T, of cases.Case) {
	t.Helper()
	c, err := w.store.Case(of.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Verify(t.Context()); err != nil {
		t.Fatal(err)
	}
	log, err := os.ReadFile(filepath.Join(c.Dir(), custody.LogName))
	if err != nil || !strings.Contains(string(log), "undone for ann: a drill") {
		t.Fatalf("%v\n%s", err, log)
	}
}

func (w *world) abortAndUndo(t *testing.T) {
	w.grant(false)
	of := w.start("abort", mark("first"), guarded("second"), mark("never"))
	w.until(of, "held", held)
	w.undoes(t, of, 2)
	state, err := w.State(t.Context(), of)
	if err != nil || state.Outcome != workflows.OutcomeAborted || state.Status != workflows.Failed {
		t.Fatalf("%v, %s, %s", err, state.Status, state.Outcome)
	}
	w.replays(t, of, "aborted")
}

func (w *world) cancel(t *testing.T) {
	of := w.start("cancel", slow("capture"), mark("never"))
	w.until(of, "in the capture", func(v cases.View) bool { return len(v.Pending) == 1 && v.Pending[0].Started })
	if err := w.Cancel(t.Context(), of); err != nil {
		t.Fatal(err)
	}
	last := w.until(of, "closed", closed)
	if last.Status != workflows.Canceled || last.Outcome != workflows.OutcomeCanceled || len(w.marks()) != 0 {
		t.Fatalf("%s, %s, marks %q", last.Status, last.Outcome, w.marks())
	}
	if n := len(last.Steps); last.Steps[n-1].Path != "seal" || last.Steps[n-1].Status != activities.StepDone {
		t.Fatalf("finally did not run: %+v", last.Steps)
	}
	w.replays(t, of, "canceled")
}

// abortRunning aborts a case of which one step is held while another one works: what works is stopped.
func (w *world) abortRunning(t *testing.T) {
	w.grant(false)
	of := w.start("running", mark("first"),
		plan.Step{ID: "both", Path: "both", Phase: "preserve", OnError: plan.Hold, Parallel: []plan.Step{guarded("left"), long("right")}}, mark("never"))
	w.until(of, "held in the capture", func(v cases.View) bool { return held(v) && len(v.Pending) == 1 && v.Pending[0].Started })
	begin := time.Now()
	d := workflows.Decision{Action: workflows.AbortCase, Reason: "a drill", By: "ann"}
	if err := w.Decide(t.Context(), of, d); err != nil {
		t.Fatal(err)
	}
	last := w.until(of, "closed", closed)
	if last.Status != workflows.Failed || last.Outcome != workflows.OutcomeAborted || last.Aborted == nil || !reflect.DeepEqual(*last.Aborted, d) {
		t.Fatalf("%s, %s, %+v", last.Status, last.Outcome, last.Aborted)
	}
	if took := time.Since(begin); took > 30*time.Second { // the capture takes a minute
		t.Errorf("it took %s", took)
	}
	if n := len(last.Steps); last.Steps[n-1].Path != "seal" || last.Steps[n-1].Status != activities.StepDone {
		t.Fatalf("finally did not run: %+v", last.Steps)
	}
	w.replays(t, of, "stopped")
	w.undoes(t, of, 2)
}

func (w *world) findAndList(t *testing.T) {
	of := w.start("found", mark("first"))
	w.until(of, "closed", closed)
	for _, reference := range []string{of.ID, of.Workflow, of.Workflow[:len(of.Workflow)-2]} {
		found, err := w.eventually(t, reference)
		if err != nil || found.ID != of.ID || found.Playbook != "test" || found.Outcome != workflows.OutcomeContained {
			t.Errorf("%q: %v, %+v", reference, err, found)
		}
	}
	for _, reference := range []string{"nothing-like-it", "' OR 1=1", ""} {
		if _, err := w.Find(t.Context(), reference); !errors.Is(err, cases.ErrNotFound) {
			t.Errorf("%q: %v", reference, err)
		}
	}
	if _, err := w.Find(t.Context(), "test-"); err == nil || !strings.Contains(err.Error(), "several") {
		t.Errorf("got %v", err)
	}
	list, err := w.List(t.Context(), cases.Filter{Cluster: w.cluster})
	if err != nil || len(list) != 6 || list[0].Workflow != of.Workflow {
		t.Errorf("%v, %+v", err, list)
	}
	if open, err := w.List(t.Context(), cases.Filter{OpenOnly: true}); err != nil || len(open) != 0 {
		t.Errorf("%v, %+v", err, open)
	}
}

// eventually waits for the lists, which follow the histories.
func (w *world) eventually(t *testing.T, reference string) (found cases.Case, err error) {
	t.Helper()
	for range 50 {
		if found, err = w.Find(t.Context(), reference); err == nil && found.Outcome != "" {
			return found, nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return found, err
}

func (w *world) nobodyWorks(t *testing.T) {
	of := w.start("alone", mark("first"))
	if _, err := w.State(t.Context(), of); !errors.Is(err, cases.ErrNoWorker) {
		t.Fatalf("got %v", err)
	}
	if found, err := w.Find(t.Context(), of.ID); err != nil || found.ID != of.ID || !found.Open() {
		t.Fatalf("%v, %+v", err, found)
	}
}

func TestATemporalThatIsDownIsTold(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	c, err := cases.Dial(cases.Options{Address: address})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	begin := time.Now()
	_, err = c.Start(context.Background(), "test-1", input("lab"))
	if !errors.Is(err, cases.ErrUnavailable) {
		t.Fatalf("got %v", err)
	}
	if took := time.Since(begin); took > 8*time.Second {
		t.Fatalf("it took %s to say so", took)
	}
	if err := c.Check(context.Background()); !errors.Is(err, cases.ErrUnavailable) {
		t.Fatalf("got %v", err)
	}
}
