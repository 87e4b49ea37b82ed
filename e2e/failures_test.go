package e2e

import (
	"context"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/workflows"
)

// TestFailuresHoldWithAdvice orders failures that no retry mends. The case must hold, keep its containment, say in a
// sentence what to do, and go on after a person's retry.
func TestFailuresHoldWithAdvice(t *testing.T) {
	tests := []struct {
		name, kind, step string
		fault            fault
		advice           string
	}{
		{"unauthorized", "Forbidden", "disks", fault{Action: "CreateSnapshots", Kind: "unauthorized", Count: -1}, "grant ec2:CreateSnapshots"},
		{"corrupt", "Corrupt", "read", fault{Action: "GetSnapshotBlock", Kind: "corrupt", Count: -1}, "retry the step"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, nil)
			pod := w.victim()
			w.receiver()
			w.worker()
			w.cloud.fault(test.fault)
			id := w.accepted(w.alert(pod.Name)).Case
			s := w.until(id, "a hold", func(s workflows.State) bool { return s.Status == workflows.Held })
			held := s.Holds[0]
			if held.Kind != test.kind || !strings.Contains(held.Path, test.step) || held.Error == "" || !strings.Contains(held.Advice, test.advice) {
				t.Fatalf("held at %s, %s: %s; %s", held.Path, held.Kind, held.Error, held.Advice)
			}
			if len(w.policies()) != 1 {
				t.Error("the failure gave up the isolation")
			}
			w.cloud.heal()
			w.retryAll(id)
			w.doneOnce(id, w.finished(id))
		})
	}
}

// retryAll retries what is held until nothing is.
func (w *world) retryAll(id string) {
	w.t.Helper()
	w.until(id, "no hold", func(s workflows.State) bool {
		for _, h := range s.Holds {
			ctx, cancel := context.WithTimeout(w.t.Context(), patience)
			out, err := w.Command(ctx, "retry", id, h.Path).CombinedOutput()
			cancel()
			if err != nil {
				w.t.Fatalf("firebreak retry: %v\n%s", err, out)
			}
		}
		return len(s.Holds) == 0
	})
}

// TestThrottlingIsRetried orders throttling of both APIs, which ends by itself.
func TestThrottlingIsRetried(t *testing.T) {
	w := newWorld(t, nil)
	pod := w.victim()
	w.receiver()
	w.worker()
	w.cloud.fault(fault{Action: "CreateSnapshots", Kind: "throttle", Count: 2})
	w.cloud.fault(fault{Action: "GetSnapshotBlock", Kind: "throttle", Count: 20})
	w.cloud.fault(fault{Action: "DescribeSnapshots", Kind: "throttle", Count: 3, After: 1})
	id := w.accepted(w.alert(pod.Name)).Case
	w.doneOnce(id, w.finished(id))
	w.cloud.struck(map[string]int{"CreateSnapshots": 2, "GetSnapshotBlock": 20, "DescribeSnapshots": 3})
}

// TestAPodThatCannotBeCutOffIsNotContained has a pod on its node's network, which no policy reaches. The evidence is
// taken all the same, and the outcome does not claim what is not so.
func TestAPodThatCannotBeCutOffIsNotContained(t *testing.T) {
	w := newWorld(t, nil)
	pod := w.Pod(t, "agent", map[string]string{"app": "agent"}, func(p *corev1.Pod) { p.Spec.HostNetwork = true })
	w.receiver()
	w.worker()
	id := w.accepted(w.alert(pod.Name)).Case
	s := w.finished(id)
	if s.Outcome != workflows.OutcomePartly {
		t.Errorf("outcome %q", s.Outcome)
	}
	for _, step := range s.Steps {
		if strings.HasSuffix(step.Path, "/verify") && (step.Status != activities.StepFailed || !strings.Contains(step.Error, "node's network")) {
			t.Errorf("step %s: %s, %s", step.Path, step.Status, step.Error)
		}
	}
	if len(w.cloud.snapshots()) == 0 {
		t.Error("the verification kept the evidence from being taken")
	}
	w.verified(id)
}

// TestForbiddenByTheAPIServerHolds runs the worker without one verb of its role.
func TestForbiddenByTheAPIServerHolds(t *testing.T) {
	w := newWorld(t, nil)
	pod := w.victim()
	grant := w.narrowed("networking.k8s.io", "networkpolicies", "create")
	w.receiver()
	w.worker()
	id := w.accepted(w.alert(pod.Name)).Case
	s := w.until(id, "a hold", func(s workflows.State) bool { return s.Status == workflows.Held })
	held := s.Holds[0]
	if held.Kind != "Forbidden" || !strings.Contains(held.Advice, `verb "create"`) || !strings.Contains(held.Advice, `"networkpolicies"`) {
		t.Fatalf("held at %s, %s: %s; %s", held.Path, held.Kind, held.Error, held.Advice)
	}
	grant()
	w.retryAll(id)
	w.doneOnce(id, w.finished(id))
}
