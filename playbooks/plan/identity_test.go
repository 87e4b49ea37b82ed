package plan_test

import (
	"strings"
	"testing"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

func TestWorkflowID(t *testing.T) {
	got := plan.WorkflowID("pod", "store/cart-1")
	if got != plan.WorkflowID("pod", "store/cart-1") || got == plan.WorkflowID("pod", "store/cart-2") {
		t.Errorf("one key is two ids, or two keys are one: %s", got)
	}
	digits := strings.TrimPrefix(got, "pod-")
	if len(digits) != 20 || strings.Trim(digits, "abcdefghijklmnopqrstuvwxyz234567") != "" {
		t.Errorf("digits %q", digits)
	}
}

func TestACaseIDIsALabelValue(t *testing.T) {
	if id := plan.WorkflowID(strings.Repeat("p", plan.MaxName), "key") + ".12345678"; len(id) != 63 {
		t.Errorf("%s has %d characters", id, len(id))
	}
}

func TestFingerprintIsOfTheEventNotOfTheDelivery(t *testing.T) {
	a := plan.Alert{ID: "one", Rule: "shell", Target: plan.Target{Pod: "web-1"}}
	b := a
	b.ID = "another delivery"
	if plan.Fingerprint(a) != plan.Fingerprint(b) {
		t.Error("a second delivery of one event is another event")
	}
	b.Fields = map[string]any{"proc.name": "sh"}
	if plan.Fingerprint(a) == plan.Fingerprint(b) {
		t.Error("two events are one")
	}
}

func TestAnAlertAlwaysHasAKey(t *testing.T) {
	a := plan.Alert{Rule: "shell", Target: plan.Target{Pod: "web-1"}, Fields: map[string]any{}}
	for source, want := range map[string]string{
		"alert.target.pod":                      "web-1",
		"":                                      plan.Fingerprint(a),
		"alert.target.namespace":                plan.Fingerprint(a), // empty
		"string(alert.fields['no.such.field'])": plan.Fingerprint(a), // fails
	} {
		key, err := plan.NewEvaluator().KeyOf(plan.Dedup{Key: plan.Expr{Source: source}}, a)
		if key != want {
			t.Errorf("%q: key %q, want %q", source, key, want)
		}
		if told := err != nil; told != (source != "" && want == plan.Fingerprint(a)) {
			t.Errorf("%q: the error is %v", source, err)
		}
	}
}
