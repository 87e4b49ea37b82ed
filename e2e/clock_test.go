package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/activities/kube/kubetest"
	"github.com/firebreak-ir/firebreak/workflows"
	"github.com/firebreak-ir/firebreak/workflows/cases"
	"github.com/firebreak-ir/firebreak/workflows/schedules"
)

const drilled = `apiVersion: firebreak/v1
kind: Playbook
metadata: {name: %s, version: 1.0.0}
triggers:
  - id: weekly
    schedule: {cron: "0 10 * * TUE", timezone: Europe/Berlin, jitter: 10m, overlap: skip, catchup: 15m}
    mode: drill
    alert: drills/shell.json
dedup: {key: alert.target.pod}
steps:
  - id: scope
    phase: identify
    uses: kube.identify_pod
    with: {namespace: "${{ alert.target.namespace }}", pod: "${{ alert.target.pod }}"}
  - id: isolate
    phase: contain
    foreach: {in: steps.scope.output.pods, as: pod}
    do:
      - {id: deny, uses: kube.isolate_pod, with: {pod: "${{ pod }}"}}
slo: {contain: 5m}
`

// playbook writes a playbook with the alert that opens its drills.
func (w *world) playbook(name, pod string) string {
	w.t.Helper()
	dir := filepath.Join(w.Dir, name)
	kubetest.Must(w.t, os.MkdirAll(filepath.Join(dir, "drills"), 0o750))
	file := filepath.Join(dir, name+".yaml")
	kubetest.Must(w.t, os.WriteFile(file, fmt.Appendf(nil, drilled, name), 0o600))
	kubetest.Must(w.t, os.WriteFile(filepath.Join(dir, "drills", "shell.json"), w.alert(pod), 0o600))
	return file
}

// triggered applies a playbook's schedule, triggers it, and gives the case.
func (w *world) triggered(name, file string) string {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	var applied struct{ Schedules []schedules.Change }
	for _, want := range []string{schedules.Created, schedules.Unchanged} {
		kubetest.Must(w.t, w.JSON(ctx, &applied, "schedules", "apply", file))
		if len(applied.Schedules) != 1 || applied.Schedules[0].Change != want || applied.Schedules[0].ID != name+"-weekly@lab" {
			w.t.Fatalf("applied %+v, want %s", applied.Schedules, want)
		}
	}
	var run schedules.Run
	kubetest.Must(w.t, w.JSON(ctx, &run, "schedules", "trigger", name+"-weekly@lab"))
	return run.Case
}

// TestADrillOfAScheduleIsFencedAndScored triggers two drills: of a pod that is marked for drills, and of one that is not. The
// first one's isolation then stands for nobody, until the sweep names it and its undo takes it back.
func TestADrillOfAScheduleIsFencedAndScored(t *testing.T) {
	w := newWorld(t, nil)
	marked := w.Deployment(t, "drilled", map[string]string{"app": "drilled", workflows.DrillLabel: "true"}, 1)[0]
	bystander := w.victim()
	w.worker()
	eventually(t, "the worker's search attributes", func() bool {
		return w.Command(t.Context(), "drills").Run() == nil
	})

	id := w.triggered("drilled", w.playbook("drilled", marked.Name))
	s := w.finished(id)
	if s.Mode != "drill" || s.Outcome != workflows.OutcomeContained || len(s.Objectives) != 1 || !s.Objectives[0].Met || len(w.policies()) != 1 {
		t.Fatalf("%s, %s, %+v, %d policies", s.Mode, s.Outcome, s.Objectives, len(w.policies()))
	}
	fenced := w.triggered("fenced", w.playbook("fenced", bystander.Name))
	s = w.until(fenced, "held by the fence", func(s workflows.State) bool { return s.Status == workflows.Held })
	if h := s.Holds[0]; h.Kind != string(activities.GuardTripped) || !strings.Contains(h.Error, "drill fence") || len(w.policies()) != 1 {
		t.Fatalf("%+v, %d policies", h, len(w.policies()))
	}
	w.scored(id)
	w.swept(id)
}

func (w *world) scored(id string) {
	w.t.Helper()
	var shown struct {
		Trends []cases.Trend
		Drills []cases.Drill
	}
	eventually(w.t, "the score in the list of drills", func() bool {
		kubetest.Must(w.t, w.JSON(w.t.Context(), &shown, "drills", "drilled"))
		return len(shown.Trends) == 1
	})
	if d := shown.Drills[0]; d.ID != id || !d.Objectives[0].Met || shown.Trends[0].Met != 1 {
		w.t.Fatalf("%+v", shown)
	}
}

func (w *world) swept(id string) {
	w.t.Helper()
	if found := w.orphans(id); !slices.Contains(found, "isolated") || !slices.Contains(found, "policy") {
		w.t.Fatalf("the sweep found %q of case %s", found, id)
	}
	out, err := w.Command(w.t.Context(), "undo", id).CombinedOutput()
	if err != nil {
		w.t.Fatalf("firebreak undo: %v\n%s", err, out)
	}
	if found := w.orphans(id); len(found) != 0 {
		w.t.Fatalf("after the undo the sweep still found %q", found)
	}
}

// orphans are the marks that a sweep finds of a case. Other tests have changes of their own in the cluster.
func (w *world) orphans(id string) []string {
	w.t.Helper()
	out, err := w.Command(w.t.Context(), "sweep", "--output", "json").Output()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
		w.t.Fatal(err)
	}
	var result workflows.SweepResult
	kubetest.Must(w.t, json.Unmarshal(out, &result))
	var marks []string
	for _, o := range result.Orphans {
		if o.Case == id {
			marks = append(marks, o.Mark)
		}
	}
	return marks
}
