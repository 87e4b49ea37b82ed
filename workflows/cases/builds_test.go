package cases_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/worker"
	"github.com/firebreak-ir/firebreak/workflows"
	"github.com/firebreak-ir/firebreak/workflows/cases"
)

// TestACaseEndsOnItsBuild: a held case waits for a worker of the build it began on, while new cases begin on the next build.
func TestACaseEndsOnItsBuild(t *testing.T) {
	w := newWorld(t)
	if _, err := w.Builds(t.Context(), "fb"); !errors.Is(err, cases.ErrNoBuild) {
		t.Errorf("got %v", err)
	}
	w.build = worker.Build{Deployment: "fb", ID: "1"}
	stop := w.works()
	old := w.start("old", guarded("isolate"))
	w.until(old, "held", held)
	stop()

	w.build.ID = "2"
	w.works()
	w.builds("1", cases.BuildCurrent, "2", cases.BuildIdle)
	if before, err := w.Promote(t.Context(), "fb", "2"); err != nil || before != "1" {
		t.Fatalf("before: %q, %v", before, err)
	}
	if _, err := w.Promote(t.Context(), "fb", "3"); !errors.Is(err, cases.ErrNoBuild) && !errors.Is(err, cases.ErrRefused) {
		t.Errorf("got %v", err)
	}
	young := w.start("young", mark("label"))
	if view := w.until(young, "closed", closed); view.Status != workflows.Completed {
		t.Fatalf("%+v", view)
	}
	if _, err := w.State(t.Context(), old); !errors.Is(err, cases.ErrNoWorker) {
		t.Errorf("build 2 answers for a case of build 1: %v", err)
	}

	w.mu.Lock()
	w.granted = true
	w.mu.Unlock()
	w.build.ID = "1"
	w.works()
	w.until(old, "held", held)
	d := workflows.Decision{Path: "isolate", Action: workflows.RetryStep, By: "t", Reason: "granted"}
	if err := w.Decide(t.Context(), old, d); err != nil {
		t.Fatal(err)
	}
	if view := w.until(old, "closed", closed); view.Status != workflows.Completed {
		t.Fatalf("%+v", view)
	}
	for want, of := range map[string]cases.Case{"1": old, "2": young} {
		if got := w.builtBy(of); len(got) != 1 || !got[want] {
			t.Errorf("%s ran on the builds %v, want %s", of.ID, got, want)
		}
	}
}

// builds waits until the deployment has these builds: id, status, …
func (w *world) builds(want ...string) {
	w.t.Helper()
	var got map[string]string
	for range 100 {
		list, err := w.Builds(w.t.Context(), "fb")
		if err != nil && !errors.Is(err, cases.ErrNoBuild) { // its worker has only just started
			w.t.Fatal(err)
		}
		got = map[string]string{}
		for _, b := range list {
			got[b.ID] = b.Status
		}
		same := len(got) == len(want)/2
		for i := 0; i < len(want); i += 2 {
			same = same && got[want[i]] == want[i+1]
		}
		if same {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	w.t.Fatalf("builds are %v, want %v", got, want)
}

// builtBy are the builds whose workers took the case's tasks.
func (w *world) builtBy(of cases.Case) map[string]bool {
	builds := map[string]bool{}
	for _, e := range w.raw(w.t, of).GetEvents() {
		if done := e.GetWorkflowTaskCompletedEventAttributes(); done != nil {
			builds[done.GetDeploymentVersion().GetBuildId()] = true
		}
	}
	return builds
}

// TestALongCaseEndsOnItsBuild: the runs that follow when a case's history is full stay on the build of the first one.
func TestALongCaseEndsOnItsBuild(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.more = []activities.Definition{activities.Define(activities.Activity[markIn, markOut]{
		Name: "test.swallow", Effect: activities.Capture, Place: activities.OnAnalysis,
		Run: func(context.Context, activities.Call, markIn) (markOut, error) { return markOut{}, nil },
	})}
	w.build = worker.Build{Deployment: "fb", ID: "1"}
	w.works()
	steps := []plan.Step{guarded("gate")}
	for i := range 24 { // of 200 kB each: 4 MB are enough to be told to go on in a new run
		s := use(fmt.Sprintf("s%d", i), "test.swallow", activities.OnAnalysis, activities.Capture)
		s.Uses.With = plan.Value{Map: []plan.Entry{{Key: "name", Value: plan.Value{Expr: &plan.Expr{Source: "inputs.much"}}}}}
		steps = append(steps, s)
	}
	in := input(w.cluster, steps...)
	in.Plan.Inputs = []plan.Input{{Name: "much", Type: activities.Type{Kind: activities.String}}}
	in.Inputs = map[string]any{"much": strings.Repeat("x", 200_000)}
	of := w.opened("long", in)
	w.until(of, "held", held)
	w.build.ID = "2"
	w.works()
	w.builds("1", cases.BuildCurrent, "2", cases.BuildIdle)
	if _, err := w.Promote(t.Context(), "fb", "2"); err != nil {
		t.Fatal(err)
	}
	if err := w.Decide(t.Context(), of, workflows.Decision{Path: "gate", Action: workflows.SkipStep, Reason: "enough", By: "t"}); err != nil {
		t.Fatal(err)
	}
	if view := w.until(of, "closed", closed); view.Status != workflows.Completed {
		t.Fatalf("%+v", view)
	}
	w.short(t, of, 2)
	found, err := w.Find(t.Context(), of.ID)
	if err != nil || found.Run == of.Run {
		t.Fatalf("it is still in run %s, %v", found.Run, err)
	}
	for run := found.Run; run != ""; {
		if got := w.builtBy(cases.Case{Workflow: of.Workflow, Run: run}); len(got) != 1 || !got["1"] {
			t.Errorf("run %s ran on the builds %v", run, got)
		}
		if run, err = w.Previous(t.Context(), of.Workflow, run); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDeploymentsAreTurnedOnAndOff: a case of before goes on with the first build, and one that began on a build ends on it while
// workers without builds take the new ones.
func TestDeploymentsAreTurnedOnAndOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stop := w.works()
	before := w.start("before", guarded("isolate"))
	w.until(before, "held", held)
	stop()

	w.build = worker.Build{Deployment: "fb", ID: "1"}
	w.works()
	w.builds("1", cases.BuildCurrent)
	during := w.start("during", guarded("isolate"))
	w.until(during, "held", held)

	if was, err := w.Promote(t.Context(), "fb", ""); err != nil || was != "1" {
		t.Fatalf("before: %q, %v", was, err)
	}
	w.build = worker.Build{}
	w.works()
	after := w.start("after", mark("label"))
	w.until(after, "closed", closed)
	w.grant(true)
	for _, of := range []cases.Case{before, during} {
		if err := w.Decide(t.Context(), of, workflows.Decision{Path: "isolate", Action: workflows.RetryStep, Reason: "granted", By: "t"}); err != nil {
			t.Fatal(err)
		}
		if view := w.until(of, "closed", closed); view.Status != workflows.Completed {
			t.Fatalf("%+v", view)
		}
	}
	for want, of := range map[string]cases.Case{"1": during, "": after} {
		if got := w.builtBy(of); len(got) != 1 || !got[want] {
			t.Errorf("%s ran on the builds %v, want %q", of.ID, got, want)
		}
	}
}
