package plan_test

import (
	"strings"
	"testing"
	"time"

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

// TestADeliveryThatComesAgainHasTheSameFingerprint, whatever a sender changes in it.
func TestADeliveryThatComesAgainHasTheSameFingerprint(t *testing.T) {
	begin := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	mining := func(pod, load string, at time.Time) plan.Alert {
		return plan.Alert{Source: "alertmanager", Rule: "Mining", Time: at, Fields: map[string]any{
			plan.LabelsField: map[string]any{"pod": pod}, "annotations": map[string]any{"summary": "load " + load},
		}}
	}
	event := func(source, id string, at time.Time) plan.Alert {
		return plan.Alert{Source: "cloudevents", Rule: "door", Time: at, Fields: map[string]any{"source": source, "id": id, "data": at.String()}}
	}
	for _, test := range []struct {
		name string
		a, b plan.Alert
		same bool
	}{
		{"another number in an annotation", mining("a", "97 %", begin), mining("a", "98 %", begin), true},
		{"another label", mining("a", "97 %", begin), mining("b", "97 %", begin), false},
		{"it began again", mining("a", "97 %", begin), mining("a", "97 %", begin.Add(time.Hour)), false},
		{"an event without a time of its own", event("s", "1", begin), event("s", "1", begin.Add(time.Second)), true},
		{"another event", event("s", "1", begin), event("s", "2", begin), false},
		{"of another source", event("s", "1", begin), event("r", "1", begin), false},
	} {
		if same := plan.Fingerprint(test.a) == plan.Fingerprint(test.b); same != test.same {
			t.Errorf("%s: %v", test.name, same)
		}
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
