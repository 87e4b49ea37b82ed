package kube_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/activities/conformance"
	"github.com/firebreak-ir/firebreak/activities/kube"
	"github.com/firebreak-ir/firebreak/activities/kube/kubetest"
)

func TestFindIsolatedConforms(t *testing.T) {
	t.Parallel()
	w := kubetest.New(t)
	conformance.Look(t, subject(w, kube.FindIsolated, kube.FindIsolatedIn{}, nodeState(w)))
}

func TestFindIsolatedFindsWhatStandsUntilItIsUndone(t *testing.T) {
	t.Parallel()
	w := kubetest.New(t)
	pod := w.Pod(t, "web-0", map[string]string{"app": "web"}, nil)
	isolate, cordon := kube.IsolatePodIn{Pod: ref(pod)}, kube.CordonNodeIn{Node: w.Node}
	out := run[kube.IsolatePodOut](t, kube.IsolatePod(w), call(caseA), isolate)
	run[kube.IsolatePodOut](t, kube.IsolatePod(w), call(caseB), isolate)
	run[kube.CordonNodeOut](t, kube.CordonNode(w), call(caseA), cordon)
	mine := func(caseID string) (list []kube.Isolated) {
		for _, f := range run[kube.FindIsolatedOut](t, kube.FindIsolated(w), call(caseA), kube.FindIsolatedIn{}).Found {
			if f.Case == caseID && (f.Namespace == w.Namespace || f.Name == w.Node) {
				list = append(list, f)
			}
		}
		return list
	}
	want := []kube.Isolated{
		{Kind: "Pod", Namespace: w.Namespace, Name: "web-0", Mark: "isolated", Case: caseA},
		{Kind: "NetworkPolicy", Namespace: w.Namespace, Name: out.Policy, Mark: "policy", Case: caseA},
		{Kind: "Node", Name: w.Node, Mark: "cordoned", Case: caseA},
	}
	if diff := cmp.Diff(want, mine(caseA)); diff != "" {
		t.Fatal(diff)
	}
	undo(t, kube.IsolatePod(w), call(caseA), isolate)
	undo(t, kube.CordonNode(w), call(caseA), cordon)
	if left := mine(caseA); len(left) != 0 {
		t.Fatalf("after the undo: %+v", left)
	}
	if left := mine(caseB); !slices.ContainsFunc(left, func(f kube.Isolated) bool { return f.Mark == "isolated" }) {
		t.Fatalf("the other case's isolation is not found: %+v", left)
	}
}
