package kube_test

import (
	"slices"
	"testing"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/activities/conformance"
	"github.com/firebreak-ir/firebreak/activities/kube"
	"github.com/firebreak-ir/firebreak/activities/kube/kubetest"
)

// By host name, as a host-level alert gives it: that needs both get and list.
func TestIdentifyNodeConforms(t *testing.T) {
	t.Parallel()
	w := kubetest.New(t)
	conformance.Look(t, subject(w, kube.IdentifyNode, kube.IdentifyNodeIn{Node: "host-" + w.Node}, nodeState(w)))
}

func TestIdentifyNode(t *testing.T) {
	t.Parallel()
	w := kubetest.New(t)
	pod := w.Pod(t, "web", nil, nil)
	for _, name := range []string{w.Node, "host-" + w.Node} {
		out := run[kube.IdentifyNodeOut](t, kube.IdentifyNode(w), call(caseA), kube.IdentifyNodeIn{Node: name})
		if out.Node.Name != w.Node || out.Node.Instance != "i-"+w.Node || out.Node.Zone != "eu-central-1a" || out.Node.Runtime == "" {
			t.Errorf("by %q: node %+v", name, out.Node)
		}
		if !slices.Contains(out.Pods, ref(pod)) {
			t.Errorf("by %q: pods %v", name, out.Pods)
		}
		if len(out.Warnings) != 1 {
			t.Errorf("by %q: warnings %q, want one about the instance store", name, out.Warnings)
		}
	}
}

func TestIdentifyNodeRefuses(t *testing.T) {
	t.Parallel()
	w := kubetest.New(t)
	for name, kind := range map[string]activities.Kind{
		"": activities.InvalidInput, "a/b": activities.InvalidInput, w.Node + "-gone": activities.NotFound,
	} {
		_, err := tryRun[kube.IdentifyNodeOut](t, kube.IdentifyNode(w), call(caseA), kube.IdentifyNodeIn{Node: name})
		wantKind(t, err, kind)
	}
}
