package kube_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/activities/conformance"
	"github.com/firebreak-ir/firebreak/activities/kube"
	"github.com/firebreak-ir/firebreak/activities/kube/kubetest"
)

func TestCordonNodeConforms(t *testing.T) {
	t.Parallel()
	w := kubetest.New(t)
	conformance.Change(t, subject(w, kube.CordonNode, kube.CordonNodeIn{Node: w.Node}, nodeState(w)))
}

func cordonedNow(t *testing.T, w *kubetest.World) bool {
	t.Helper()
	return strings.Contains(nodeState(w)(t), "unschedulable")
}

func TestCordonNodeLeavesSomebodyElsesCordon(t *testing.T) {
	t.Parallel()
	w := kubetest.New(t)
	setNode(t, w, func(n *corev1.Node) { n.Spec.Unschedulable = true })
	before := nodeState(w)(t)
	in := kube.CordonNodeIn{Node: w.Node}
	out := run[kube.CordonNodeOut](t, kube.CordonNode(w), call(caseA), in)
	if out.Status != activities.Skipped || out.Holds {
		t.Errorf("output %+v: nothing was done, and it must say so", out)
	}
	undo(t, kube.CordonNode(w), call(caseA), in)
	if after := nodeState(w)(t); after != before {
		t.Errorf("the node is\n%s\nwant\n%s", after, before)
	}
}

func TestCordonNodeIsFreedByTheLastCase(t *testing.T) {
	t.Parallel()
	w := kubetest.New(t)
	before := nodeState(w)(t)
	in := kube.CordonNodeIn{Node: w.Node}
	for _, c := range []string{caseA, caseB} {
		if out := run[kube.CordonNodeOut](t, kube.CordonNode(w), call(c), in); !out.Holds {
			t.Errorf("case %s does not hold the cordon: %+v", c, out)
		}
	}
	undo(t, kube.CordonNode(w), call(caseA), in)
	if !cordonedNow(t, w) {
		t.Fatal("the first undo freed a node that another case holds")
	}
	undo(t, kube.CordonNode(w), call(caseA), in)
	undo(t, kube.CordonNode(w), call(caseB), in)
	if after := nodeState(w)(t); after != before {
		t.Errorf("the node is\n%s\nwant\n%s", after, before)
	}
}

// Somebody uncordons the node and cordons it again for reasons of their own: it is their cordon now.
func TestCordonNodeThatChangedHands(t *testing.T) {
	t.Parallel()
	w := kubetest.New(t)
	in := kube.CordonNodeIn{Node: w.Node}
	run[kube.CordonNodeOut](t, kube.CordonNode(w), call(caseA), in)
	setNode(t, w, func(n *corev1.Node) { n.Spec.Unschedulable = false })
	setNode(t, w, func(n *corev1.Node) { n.Spec.Unschedulable = true })
	undo(t, kube.CordonNode(w), call(caseA), in)
	if state := nodeState(w)(t); !strings.Contains(state, "unschedulable") || strings.Contains(state, "firebreak/cordon") {
		t.Errorf("the node is\n%s\nwant it cordoned, and our annotation gone", state)
	}
}
