package kube_test

import (
	"testing"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/activities/conformance"
	"github.com/firebreak-ir/firebreak/activities/kube"
	"github.com/firebreak-ir/firebreak/activities/kube/kubetest"
)

func TestLabelPodConforms(t *testing.T) {
	t.Parallel()
	w := kubetest.New(t)
	pod := w.Pod(t, "web", map[string]string{"app": "web"}, nil)
	in := kube.LabelPodIn{Pod: ref(pod), Labels: map[string]string{"firebreak/case": caseA, "app": "evidence"}}
	conformance.Change(t, subject(w, kube.LabelPod, in, podsState(w)))
}

func TestLabelPodActsOnTheUID(t *testing.T) {
	t.Parallel()
	w := kubetest.New(t)
	pod := w.Pod(t, "web", nil, nil)
	other := ref(pod)
	other.UID = "00000000-0000-4000-8000-000000000000"
	in := kube.LabelPodIn{Pod: other, Labels: map[string]string{"a": "b"}}
	before := podsState(w)(t)
	_, err := tryRun[kube.LabelOut](t, kube.LabelPod(w), call(caseA), in)
	wantKind(t, err, activities.NotFound)
	undo(t, kube.LabelPod(w), call(caseA), in)
	if after := podsState(w)(t); after != before {
		t.Errorf("the pod is\n%s\nwant\n%s", after, before)
	}
}
