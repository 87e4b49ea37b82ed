package e2e

import (
	"context"
	"strings"
	"testing"

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
		{"unauthorized", "Forbidden", "disks", fault{Action: "CreateSnapshots", Kind: "unauthorized", Count: -1}, "ec2:CreateSnapshots"},
		{"corrupt", "Corrupt", "read", fault{Action: "GetSnapshotBlock", Kind: "corrupt", Count: -1}, "block"},
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
			if held.Kind != test.kind || !strings.Contains(held.Path, test.step) || !strings.Contains(held.Error+" "+held.Advice, test.advice) {
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
	id := w.accepted(w.alert(pod.Name)).Case
	w.doneOnce(id, w.finished(id))
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
	if text := held.Error + " " + held.Advice; held.Kind != "Forbidden" || !strings.Contains(text, "create") || !strings.Contains(text, "networkpolicies") {
		t.Fatalf("held at %s, %s: %s; %s", held.Path, held.Kind, held.Error, held.Advice)
	}
	grant()
	w.retryAll(id)
	w.doneOnce(id, w.finished(id))
}
