package cases_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/workflows"
	"github.com/firebreak-ir/firebreak/workflows/authority"
	"github.com/firebreak-ir/firebreak/workflows/cases"
	"github.com/firebreak-ir/firebreak/workflows/cases/casetest"
)

// TestEveryVerbOnTemporal records what the shipped playbooks' plain runs do not come to: every verb, answers of every kind, a
// case of two runs, a lock and a sweep.
func TestEveryVerbOnTemporal(t *testing.T) {
	t.Parallel()
	w, s := newShow(t, 40)
	example := w.example(t)
	t.Run("tour", func(t *testing.T) { w.tours(t, s) })
	t.Run("a tripped guard", func(t *testing.T) { w.trips(t, example) })
	t.Run("a false positive", func(t *testing.T) { w.takesBack(t, example) })
	t.Run("a drill", func(t *testing.T) { w.rehearses(t, example, plan.Drill, false, "drill") })
	t.Run("a dry run", func(t *testing.T) { w.rehearses(t, example, plan.Live, true, "dry-run") })
	t.Run("two runs", func(t *testing.T) { w.twoRuns(t, s) })
	t.Run("a sweep", w.swept)
}

// example is the worked example of the language.
func (w *world) example(t *testing.T) plan.Plan {
	t.Helper()
	shipped, err := casetest.Shipped("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range shipped {
		if p.Folder == "worked-example" {
			return w.compile(t, p.File, p.Text)
		}
	}
	t.Fatal("the worked example is not shipped")
	return plan.Plan{}
}

func (w *world) tours(t *testing.T, s *standIns) {
	s.refuse(plan.WorkflowID("tour", "tour"), "telemetry.query_prometheus")
	of := w.open(t, "tour", w.show(t, w.own(t, "tour"), "n1"))
	v := w.until(of, "asking", func(v cases.View) bool { return len(v.Questions) > 0 })
	w.says(t, of, v.Questions[0], "contain")
	w.until(of, "waiting, when nobody has answered the next question", func(v cases.View) bool { return at(v, "vendor") })
	w.tells(t, of)
	w.agrees(t, of)
	if v := w.until(of, "through", closed); v.Outcome != "toured" {
		t.Fatalf("%s %s: %+v", v.Status, v.Outcome, v.Steps)
	}
	w.keeps(t, of, "tour", "plain")
	lock := cases.Case{Workflow: workflows.LockID(w.cluster, "node/n1", false)}
	w.gone(t, lock.Workflow)
	w.keeps(t, lock, "lock", "given-back")
	w.keeps(t, cases.Case{Workflow: workflows.RateID(w.cluster, false)}, "rate", "counting")
}

// at tells whether a case has come to a step.
func at(v cases.View, path string) bool {
	for _, s := range v.Steps {
		if s.Path == path {
			return true
		}
	}
	return false
}

// tells is a named signal of ann, for what waits for it.
func (w *world) tells(t *testing.T, of cases.Case) {
	t.Helper()
	n := workflows.Note{Signal: plan.Signal{Name: "vendor", By: "ann", Data: map[string]any{"ok": true}}}
	d := n.Claim(of.ID)
	d.Nonce, d.At = "vendor", time.Now().UTC()
	d = authority.Sign(d, "ann", personKey("ann"))
	n.Signed = &d
	if err := w.Tell(t.Context(), of, n); err != nil {
		t.Fatal(err)
	}
}

// gone waits until a workflow has ended.
func (w *world) gone(t *testing.T, id string) {
	t.Helper()
	if err := w.Client().GetWorkflow(t.Context(), id, "").Get(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
}

// trips isolates a pod of a namespace that the guards protect; ann lets it through.
func (w *world) trips(t *testing.T, example plan.Plan) {
	in := w.show(t, example, "n2")
	guards := *in.Plan.Guards
	guards.Protect.Namespaces = []string{"shop"}
	in.Plan.Guards = &guards
	of := w.open(t, "tripped", in)
	w.agrees(t, of)
	v := w.until(of, "through", closed)
	if v.Status != workflows.Completed || !strings.Contains(strings.Join(names(v), " "), "namespace") {
		t.Fatalf("%s: %+v", v.Status, v.Guards)
	}
	w.keeps(t, of, "worked-example", "tripped")
}

// names are the rules that tripped.
func names(v cases.View) (all []string) {
	for _, g := range v.Guards {
		all = append(all, g.Tripped...)
	}
	return all
}

func (w *world) takesBack(t *testing.T, example plan.Plan) {
	of := w.open(t, "false positive", w.show(t, example, "n3"))
	v := w.until(of, "asking", func(v cases.View) bool { return len(v.Questions) > 0 })
	w.says(t, of, v.Questions[0], "false-positive")
	if v := w.until(of, "through", closed); v.Outcome != "false_positive" {
		t.Fatalf("%s %s: %+v", v.Status, v.Outcome, v.Steps)
	}
	w.keeps(t, of, "worked-example", "false-positive")
}

// rehearses runs where nobody is asked.
func (w *world) rehearses(t *testing.T, example plan.Plan, mode plan.Mode, dry bool, name string) {
	in := w.show(t, example, "n4")
	in.Mode, in.DryRun = mode, dry
	of := w.open(t, name, in)
	if v := w.until(of, "through", closed); v.Status != workflows.Completed {
		t.Fatalf("%s: %+v", v.Status, v.Steps)
	}
	w.keeps(t, of, "worked-example", name)
}

// twoRuns lets a case grow so long that its first run is left while a question is open and a step is held.
func (w *world) twoRuns(t *testing.T, s *standIns) {
	s.refuse(plan.WorkflowID("long", "long"), "ticket.open")
	in := w.show(t, w.own(t, "long"), "n5")
	of := w.open(t, "long", in)
	w.until(of, "held and asking", func(v cases.View) bool { return len(v.Holds) == 1 && len(v.Questions) == 1 })
	w.storm(t, of, in.Alert)
	v := w.until(of, "in its second run, held and asking", func(v cases.View) bool {
		return v.Run != of.Run && len(v.Holds) == 1 && len(v.Questions) == 1
	})
	s.refuse(of.Workflow, "")
	w.retries(t, of, v.Holds[0].Path)
	w.says(t, of, v.Questions[0], "approve")
	w.tells(t, of)
	v = w.until(of, "through", closed)
	if v.Status != workflows.Completed {
		t.Fatalf("%s: %+v", v.Status, v.Holds)
	}
	w.keeps(t, of, "long", "first-run")
	w.keeps(t, cases.Case{Workflow: of.Workflow, Run: v.Run}, "long", "second-run")
}

// storm sends as many further alerts of a case as make its history long.
func (w *world) storm(t *testing.T, of cases.Case, alert plan.Alert) {
	t.Helper()
	var wait sync.WaitGroup
	for range 20 {
		wait.Go(func() {
			for range 100 {
				if err := w.Client().SignalWorkflow(t.Context(), of.Workflow, "", workflows.AlertSignal, alert); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wait.Wait()
}

func (w *world) swept(t *testing.T) {
	got, err := w.Sweep(t.Context(), w.cluster)
	if err != nil || len(got.Orphans) != 1 {
		t.Fatalf("%v: %+v", err, got)
	}
	w.keeps(t, cases.Case{Workflow: "firebreak-sweep-" + w.cluster}, "sweep", "orphans")
}
