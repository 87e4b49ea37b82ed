package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/firebreak-ir/firebreak/activities/kube/kubetest"
	"github.com/firebreak-ir/firebreak/internal/labenv"
	"github.com/firebreak-ir/firebreak/workflows"
)

// workedExample plays the playbook of the language's own page, letter by letter, twice on a real intrusion: a responder
// says that it is a false positive, and all is taken back; then that it is none, up to the eviction of the pod.
func workedExample(t *testing.T) {
	w := scenario(t)
	attack, alert := w.attack()
	if attack.Dropped == "" {
		labenv.LeaveOut(t, "the lab has no real node: nothing can look into a pod that a kwok node pretends to run")
	}
	w.people()
	w.worker()
	file := filepath.Join(t.TempDir(), "alert.json")
	kubetest.Must(t, os.WriteFile(file, alert, 0o600))

	before := w.stateOf(attack)
	id := w.example(file)
	w.asks(id, "triage")
	w.refused(id, "triage", "eve")
	w.answers(id, "triage", "ann", "false-positive")
	if s := w.finished(id); s.Outcome != "false_positive" {
		t.Errorf("outcome %q", s.Outcome)
	}
	if diff := cmp.Diff(before, w.stateOf(attack)); diff != "" {
		t.Errorf("after the rollback (-before +after):\n%s", diff)
	}

	id = w.example(file)
	w.asks(id, "triage")
	w.answers(id, "triage", "ann", "contain")
	w.asks(id, "approve_evict")
	if now := w.stateOf(attack); !now.Unschedulable || now.Node.Labels["firebreak/case"] != id || now.Behind || len(now.Policies) != len(before.Policies)+1 {
		t.Errorf("not contained: %+v", now)
	}
	w.answers(id, "approve_evict", "ann", "approve")
	s := w.finished(id)
	w.evicted(attack)
	w.wasWorked(id, s, attack)
	if out, err := w.Command(t.Context(), "undo", id).CombinedOutput(); err != nil {
		t.Fatalf("firebreak undo: %v\n%s", err, out)
	}
	w.sums(id)
}

// people gives ann, who leads the response, and eve, who does not, keys of their own.
func (w *world) people() {
	w.t.Helper()
	text := "people:\n"
	for name, group := range map[string]string{"ann": "ir-leads", "eve": "visitors"} {
		if out, err := w.Command(w.t.Context(), "keygen", w.key(name, "")).CombinedOutput(); err != nil {
			w.t.Fatalf("firebreak keygen: %v\n%s", err, out)
		}
		text += "  - {subject: " + name + "@example.com, groups: [" + group + "], key: " + w.key(name, ".pub") + "}\n"
	}
	config, err := os.ReadFile(w.Config)
	kubetest.Must(w.t, err)
	kubetest.Must(w.t, os.WriteFile(w.Config, append(config, text...), 0o600))
}

func (w *world) key(name, suffix string) string { return filepath.Join(w.Dir, name+suffix) }

// example opens a case of the worked example.
func (w *world) example(alert string) string {
	w.t.Helper()
	playbook, err := filepath.Abs("../playbooks/compile/testdata/ok/worked-example.yaml")
	kubetest.Must(w.t, err)
	var started struct{ Case string }
	kubetest.Must(w.t, w.JSON(w.t.Context(), &started, "run", playbook, "--alert", alert, "--input", "evidence=file://"+w.Evidence))
	return started.Case
}

// asks waits until the case asks at a step.
func (w *world) asks(id, step string) {
	w.t.Helper()
	w.until(id, "the question at "+step, func(s workflows.State) bool {
		if s.Status == workflows.Held || s.Status == workflows.Completed {
			w.t.Fatalf("the case is %s before it asked at %s: %+v", s.Status, step, s.Holds)
		}
		return slices.ContainsFunc(s.Questions, func(q *workflows.Question) bool { return q.Step == step })
	})
}

func (w *world) answers(id, step, who, choice string) {
	w.t.Helper()
	out, err := w.Command(w.t.Context(), "approve", id, step, "--choice", choice, "--key", w.key(who, ".key")).CombinedOutput()
	if err != nil {
		w.t.Fatalf("firebreak approve: %v\n%s", err, out)
	}
}

// refused expects that who may not answer.
func (w *world) refused(id, step, who string) {
	w.t.Helper()
	out, err := w.Command(w.t.Context(), "approve", id, step, "--choice", "contain", "--key", w.key(who, ".key")).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "ir-lead") {
		w.t.Fatalf("%s answered: %v\n%s", who, err, out)
	}
}

// evicted expects that the attacked pod itself is gone; its Deployment may have made another.
func (w *world) evicted(attack labenv.Attack) {
	w.t.Helper()
	eventually(w.t, "the end of pod "+attack.Pod, func() bool {
		_, err := w.Admin.CoreV1().Pods(w.Namespace).Get(w.t.Context(), attack.Pod, metav1.GetOptions{})
		return errors.IsNotFound(err)
	})
}

// wasWorked checks what the case knows and leaves: the intruder's program among the findings, its tickets, and the files.
func (w *world) wasWorked(id string, s workflows.State, attack labenv.Attack) {
	w.t.Helper()
	if s.Outcome != workflows.OutcomeContained || len(s.Objectives) != 2 {
		w.t.Errorf("outcome %q, objectives %+v", s.Outcome, s.Objectives)
	}
	var found, tickets int
	for _, step := range s.Steps {
		out, err := json.Marshal(step.Output)
		kubetest.Must(w.t, err)
		switch {
		case step.Activity == "forensics.analyze_snapshot" && strings.Contains(string(out), attack.SHA256):
			found++
		case step.Activity == "ticket.open":
			tickets++
		}
	}
	if found == 0 || tickets == 0 {
		w.t.Errorf("%d analyses found the dropped program, %d tickets were opened", found, tickets)
	}
	w.sums(id)
}
