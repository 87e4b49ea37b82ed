package kube_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/activities/conformance"
	"github.com/firebreak-ir/firebreak/activities/kube"
	"github.com/firebreak-ir/firebreak/activities/kube/kubetest"
)

func TestLabelNodeConforms(t *testing.T) {
	t.Parallel()
	w := kubetest.New(t)
	setNode(t, w, func(n *corev1.Node) { n.Labels["team"] = "shop" })
	in := kube.LabelNodeIn{Node: w.Node, Labels: map[string]string{"firebreak/case": caseA, "team": "security"}}
	conformance.Change(t, subject(w, kube.LabelNode, in, nodeState(w)))
}

func TestLabelNodeLeavesLaterEditsAlone(t *testing.T) {
	t.Parallel()
	w := kubetest.New(t)
	before := nodeState(w)(t)
	in := kube.LabelNodeIn{Node: w.Node, Labels: map[string]string{"firebreak/case": caseA, "tier": "hot"}}
	run[kube.LabelOut](t, kube.LabelNode(w), call(caseA), in)
	setNode(t, w, func(n *corev1.Node) { n.Labels["tier"] = "warm" })
	undo(t, kube.LabelNode(w), call(caseA), in)
	setNode(t, w, func(n *corev1.Node) {
		if n.Labels["tier"] != "warm" {
			t.Errorf("tier is %q: undo took back somebody else's edit", n.Labels["tier"])
		}
		delete(n.Labels, "tier")
	})
	if after := nodeState(w)(t); after != before {
		t.Errorf("the node is\n%s\nwant\n%s", after, before)
	}
}

// Two cases write one label; whichever undoes first, the end is what was before both.
func TestLabelNodeTwoCases(t *testing.T) {
	t.Parallel()
	w := kubetest.New(t)
	before := nodeState(w)(t)
	label := func(c string) kube.LabelNodeIn {
		return kube.LabelNodeIn{Node: w.Node, Labels: map[string]string{"firebreak/case": c}}
	}
	for _, order := range [][]string{{caseA, caseB}, {caseB, caseA}} {
		run[kube.LabelOut](t, kube.LabelNode(w), call(caseA), label(caseA))
		run[kube.LabelOut](t, kube.LabelNode(w), call(caseB), label(caseB))
		for _, c := range order {
			undo(t, kube.LabelNode(w), call(c), label(c))
		}
		if after := nodeState(w)(t); after != before {
			t.Errorf("undone in order %v the node is\n%s\nwant\n%s", order, after, before)
		}
	}
}

// Two steps of one case write one label: the case's past is what was before its first step.
func TestLabelNodeTwoSteps(t *testing.T) {
	t.Parallel()
	w := kubetest.New(t)
	setNode(t, w, func(n *corev1.Node) { n.Labels["state"] = "fine" })
	before := nodeState(w)(t)
	steps := []kube.LabelNodeIn{
		{Node: w.Node, Labels: map[string]string{"state": "suspect"}}, {Node: w.Node, Labels: map[string]string{"state": "evidence"}},
	}
	for _, in := range steps {
		run[kube.LabelOut](t, kube.LabelNode(w), call(caseA), in)
	}
	undo(t, kube.LabelNode(w), call(caseA), steps[1])
	undo(t, kube.LabelNode(w), call(caseA), steps[0])
	if after := nodeState(w)(t); after != before {
		t.Errorf("the node is\n%s\nwant\n%s", after, before)
	}
}

func TestLabelNodeRefuses(t *testing.T) {
	t.Parallel()
	w := kubetest.New(t)
	some := map[string]string{"firebreak/case": caseA}
	for name, tc := range map[string]struct {
		in   kube.LabelNodeIn
		kind activities.Kind
	}{
		"another node of the name": {kube.LabelNodeIn{Node: w.Node, UID: "b6c1", Labels: some}, activities.NotFound},
		"no such node":             {kube.LabelNodeIn{Node: w.Node + "-gone", Labels: some}, activities.NotFound},
		"a path for a name":        {kube.LabelNodeIn{Node: "../pods", Labels: some}, activities.InvalidInput},
		"no name":                  {kube.LabelNodeIn{Labels: some}, activities.InvalidInput},
		"no labels":                {kube.LabelNodeIn{Node: w.Node}, activities.InvalidInput},
		"a value that is none":     {kube.LabelNodeIn{Node: w.Node, Labels: map[string]string{"a": "not a value"}}, activities.InvalidInput},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := tryRun[kube.LabelOut](t, kube.LabelNode(w), call(caseA), tc.in)
			wantKind(t, err, tc.kind)
		})
	}
}
