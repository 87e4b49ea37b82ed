package triggers

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// byRule matches a trigger whose id is the alert's rule, and takes the namespace and the pod for the key.
type byRule struct{}

func (byRule) Matches(t plan.Trigger, a plan.Alert) (bool, error) {
	if t.ID == "broken" {
		return false, errors.New("no such key: owner")
	}
	return t.ID == a.Rule, nil
}

func (byRule) Made(_ plan.Trigger, a plan.Alert) (plan.Alert, error) { return a, nil }

func (byRule) KeyOf(d plan.Dedup, a plan.Alert) (string, error) {
	switch d.Key.Source {
	case "":
		return plan.Fingerprint(a), nil
	case "broken":
		return plan.Fingerprint(a), errors.New("no such key: owner; the alert's fingerprint is used instead")
	case "empty":
		return plan.Fingerprint(a), errors.New("it is empty; the alert's fingerprint is used instead")
	}
	return a.Target.Namespace + "/" + a.Target.Pod, nil
}

func TestMatch(t *testing.T) {
	router := newRouter(t,
		playbook("first", "key", "other", "shell", "shell"),
		playbook("never", "key", "other"),
		playbook("second", "", "broken", "shell"),
		playbook("unkeyed", "broken", "shell"),
		playbook("blank", "empty", "shell"),
		playbook("faulty", "key", "broken", "broken"))
	a := alert("shell", "web-1")
	starts, failures := router.Match(a)
	var got []string
	for _, s := range starts {
		got = append(got, s.Workflow+" "+s.Trigger)
	}
	seen := plan.Fingerprint(a)
	want := []string{
		plan.WorkflowID("first", "shop/web-1") + " shell", plan.WorkflowID("second", seen) + " shell",
		plan.WorkflowID("unkeyed", seen) + " shell", plan.WorkflowID("blank", seen) + " shell",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("starts (-want +got):\n%s", diff)
	}
	got = nil
	for _, f := range failures {
		got = append(got, f.Error())
	}
	want = []string{
		`playbook "unkeyed", dedup key: no such key: owner; the alert's fingerprint is used instead`,
		`playbook "blank", dedup key: it is empty; the alert's fingerprint is used instead`,
		`playbook "faulty", trigger "broken": no such key: owner`,
		`playbook "faulty", trigger "broken": no such key: owner`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
}

func TestTwoPodsWithTheSameTextAreTwoCases(t *testing.T) {
	router := newRouter(t, playbook("keyed", "key", "shell"), playbook("unkeyed", "", "shell"))
	one, _ := router.Match(alert("shell", "web-1"))
	again, _ := router.Match(alert("shell", "web-1"))
	two, _ := router.Match(alert("shell", "web-2"))
	for i := range one {
		if one[i].Workflow != again[i].Workflow {
			t.Errorf("%s: the same alert is two cases", one[i].Plan.Name)
		}
		if one[i].Workflow == two[i].Workflow {
			t.Errorf("%s: two pods are one case", one[i].Plan.Name)
		}
	}
}

func TestNewRouterRefusesTwoOfOneName(t *testing.T) {
	_, err := NewRouter([]plan.Plan{playbook("a", "", "x"), playbook("a", "", "y")}, byRule{})
	if err == nil {
		t.Error("two playbooks of one name were taken")
	}
}

// TestNewRouterRefusesToIdle: a receiver whose playbooks have no trigger would answer every alert "unmatched".
func TestNewRouterRefusesToIdle(t *testing.T) {
	for _, plans := range [][]plan.Plan{nil, {playbook("a", ""), playbook("b", "")}} {
		if _, err := NewRouter(plans, byRule{}); err == nil {
			t.Errorf("%d playbooks without a trigger were taken", len(plans))
		}
	}
	if _, err := NewRouter([]plan.Plan{playbook("a", ""), playbook("b", "", "x")}, byRule{}); err != nil {
		t.Error(err)
	}
}

func newRouter(t *testing.T, plans ...plan.Plan) *Router {
	t.Helper()
	r, err := NewRouter(plans, byRule{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func playbook(name, key string, triggers ...string) plan.Plan {
	p := plan.Plan{Name: name, Dedup: plan.Dedup{Key: plan.Expr{Source: key}}}
	for _, id := range triggers {
		p.Triggers = append(p.Triggers, plan.Trigger{ID: id, Falco: &plan.FalcoTrigger{}})
	}
	return p
}

func alert(rule, pod string) plan.Alert {
	return plan.Alert{ID: "one delivery", Rule: rule, Time: time.Unix(1_800_000_000, 0).UTC(),
		Target: plan.Target{Namespace: "shop", Pod: pod}}
}
