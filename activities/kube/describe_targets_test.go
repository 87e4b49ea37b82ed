package kube_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/activities/conformance"
	"github.com/firebreak-ir/firebreak/activities/kube"
	"github.com/firebreak-ir/firebreak/activities/kube/kubetest"
)

func TestDescribeTargetsConforms(t *testing.T) {
	t.Parallel()
	w := kubetest.New(t)
	pod := w.Pod(t, "web-0", nil, nil)
	in := kube.DescribeTargetsIn{Targets: []kube.Target{
		{Kind: kube.PodTarget, Namespace: pod.Namespace, Name: pod.Name}, {Kind: kube.NodeTarget, Name: w.Node},
	}}
	conformance.Look(t, subject(w, kube.DescribeTargets, in, nodeState(w)))
}

func TestDescribeTargetsTellsWhatGuardsLookAt(t *testing.T) {
	t.Parallel()
	w := kubetest.New(t)
	pod := w.Pod(t, "web-0", map[string]string{"firebreak/drill": "true"}, nil)
	setNode(t, w, func(n *corev1.Node) {
		n.Labels["pool"], n.Labels["node-role.kubernetes.io/control-plane"] = "a", ""
	})
	target := func(name, uid string) kube.Target {
		return kube.Target{Kind: kube.PodTarget, Namespace: pod.Namespace, Name: name, UID: uid}
	}
	out := run[kube.DescribeTargetsOut](t, kube.DescribeTargets(w), call(caseA), kube.DescribeTargetsIn{Targets: []kube.Target{
		target("web-0", ""), target("web-0", string(pod.UID)), target("web-0", "another"), target("gone", ""),
		{Kind: kube.NodeTarget, Name: w.Node}, {Kind: kube.NodeTarget, Name: "gone"},
		{Kind: kube.InstanceTarget, Name: "i-" + w.Node}, {Kind: kube.InstanceTarget, Name: "i-gone"}, {Kind: "Volume", Name: "vol-1"},
	}})
	drill := kube.TargetFacts{Exists: true, Labels: map[string]string{"firebreak/drill": "true"}}
	none := kube.TargetFacts{Labels: map[string]string{}}
	node := kube.TargetFacts{Exists: true, ControlPlane: true, Labels: map[string]string{"pool": "a", "node-role.kubernetes.io/control-plane": ""}}
	want := []kube.TargetFacts{drill, drill, none, none, node, none, node, none, none}
	standard := cmpopts.IgnoreMapEntries(func(k, _ string) bool {
		return slices.Contains([]string{"type", corev1.LabelHostname, corev1.LabelInstanceTypeStable, corev1.LabelTopologyZone}, k)
	})
	if diff := cmp.Diff(want, out.Targets, standard); diff != "" {
		t.Error(diff)
	}
	if out.Nodes < 1 {
		t.Errorf("%d nodes", out.Nodes)
	}
	if _, err := tryRun[kube.DescribeTargetsOut](t, kube.DescribeTargets(w), call(caseA), kube.DescribeTargetsIn{Targets: []kube.Target{target("../x", "")}}); !isKind(err, activities.InvalidInput) {
		t.Errorf("a name that is a path: %v", err)
	}
}

func isKind(err error, want activities.Kind) bool {
	kind, _ := activities.KindOf(err)
	return kind == want
}
