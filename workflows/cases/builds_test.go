package cases_test

import (
	"errors"
	"testing"
	"time"

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
	for of, want := range map[cases.Case]string{old: "1", young: "2"} {
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
		if err != nil {
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
