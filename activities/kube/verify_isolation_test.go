package kube_test

import (
	"testing"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/activities/conformance"
	"github.com/firebreak-ir/firebreak/activities/kube"
	"github.com/firebreak-ir/firebreak/activities/kube/kubetest"
)

func TestVerifyIsolationConforms(t *testing.T) {
	t.Parallel()
	w := kubetest.New(t)
	pod := w.Pod(t, "web", web(), nil)
	conformance.Look(t, subject(w, kube.VerifyIsolation, kube.VerifyIsolationIn{Pod: ref(pod)}, podsState(w)))
}

func TestVerifyIsolationNamesTheEndpointSlice(t *testing.T) {
	t.Parallel()
	w := kubetest.New(t)
	w.Service(t, "web", map[string]string{"app": "web"})
	pod := w.Pod(t, "web", web(), nil)
	kubetest.Eventually(t, "the EndpointSlice to be named", func() bool {
		v := run[kube.VerifyIsolationOut](t, kube.VerifyIsolation(w), call(caseA), kube.VerifyIsolationIn{Pod: ref(pod)})
		return len(v.Endpoints) == 1 && !v.Isolated && v.Verdict == kube.NotProven
	})
}

func TestVerifyIsolationOfAnotherPod(t *testing.T) {
	t.Parallel()
	w := kubetest.New(t)
	pod := ref(w.Pod(t, "web", web(), nil))
	pod.UID = "another"
	_, err := tryRun[kube.VerifyIsolationOut](t, kube.VerifyIsolation(w), call(caseA), kube.VerifyIsolationIn{Pod: pod})
	wantKind(t, err, activities.NotFound)
}
