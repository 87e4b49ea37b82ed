package kube_test

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/activities/conformance"
	"github.com/firebreak-ir/firebreak/activities/kube"
	"github.com/firebreak-ir/firebreak/activities/kube/kubetest"
)

func quick(p *corev1.Pod) {
	grace := int64(0)
	p.Spec.TerminationGracePeriodSeconds = &grace
}

func isThere(t *testing.T, w *kubetest.World, name string) bool {
	t.Helper()
	_, err := w.Admin.CoreV1().Pods(w.Namespace).Get(t.Context(), name, metav1.GetOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		t.Fatal(err)
	}
	return err == nil
}

func TestDeletePodDeletesTheseAndNoOthers(t *testing.T) {
	t.Parallel()
	w := kubetest.New(t)
	first, second := w.Pod(t, "a", nil, quick), w.Pod(t, "b", nil, quick)
	w.Pod(t, "c", nil, quick)
	replaced := ref(w.Pod(t, "d", nil, quick))
	replaced.UID = "00000000-0000-4000-8000-000000000000"
	in := kube.DeletePodIn{Pods: []kube.PodRef{ref(first), ref(second), replaced}}
	d := kube.DeletePod(w)
	dry := call(caseA)
	dry.DryRun = true
	if out := run[kube.DeletePodOut](t, d, dry, in); len(out.Would) != 2 || len(out.Deleted) != 0 || w.Tap.Writes() != 0 || !isThere(t, w, "a") {
		t.Fatalf("dry run: %+v, %d writes", out, w.Tap.Writes())
	}
	out := run[kube.DeletePodOut](t, d, call(caseA), in)
	if len(out.Deleted) != 2 || len(out.Gone) != 1 || len(out.Terminating) != 0 || out.Status != activities.Done {
		t.Errorf("%+v", out)
	}
	for name, want := range map[string]bool{"a": false, "b": false, "c": true, "d": true} {
		if isThere(t, w, name) != want {
			t.Errorf("pod %s is there: %v", name, !want)
		}
	}
	again := run[kube.DeletePodOut](t, d, call(caseA), in)
	if len(again.Gone) != 3 || again.Status != activities.Skipped {
		t.Errorf("a second run: %+v", again)
	}
	if diff := cmp.Diff(conformance.Names(d.Permissions), w.Tap.Used()); diff != "" {
		t.Errorf("permissions (-declared +used):\n%s", diff)
	}
}

func TestDeletePodLacksAPermission(t *testing.T) {
	t.Parallel()
	w := kubetest.New(t)
	in := kube.DeletePodIn{Pods: []kube.PodRef{ref(w.Pod(t, "a", nil, quick))}}
	for _, permission := range conformance.Names(kube.DeletePod(nil).Permissions) {
		lacking := w.Without(t, kube.DeletePod(nil).Permissions, permission)
		d := kube.DeletePod(kube.ClusterFunc(func() (kubernetes.Interface, error) { return lacking, nil }))
		_, err := tryRun[kube.DeletePodOut](t, d, call(caseA), in)
		wantKind(t, err, activities.Forbidden)
		if !slices.ContainsFunc(strings.Fields(permission), func(word string) bool { return strings.Contains(err.Error(), word) }) || !isThere(t, w, "a") {
			t.Errorf("without %q: %v", permission, err)
		}
	}
}

func TestDeletePodRefuses(t *testing.T) {
	t.Parallel()
	grace := int64(-1)
	whole := kube.PodRef{Namespace: "a", Name: "b", UID: "c"}
	for what, in := range map[string]kube.DeletePodIn{
		"nothing":     {},
		"too many":    {Pods: slices.Repeat([]kube.PodRef{whole}, 101)},
		"a name only": {Pods: []kube.PodRef{{Namespace: "a", Name: "b"}}},
		"a path":      {Pods: []kube.PodRef{{Namespace: "a", Name: "../b", UID: "c"}}},
		"odd grace":   {Pods: []kube.PodRef{whole}, GracePeriod: &grace},
	} {
		_, err := tryRun[kube.DeletePodOut](t, kube.DeletePod(nil), call(caseA), in)
		if kind, _ := activities.KindOf(err); kind != activities.InvalidInput {
			t.Errorf("%s: %v", what, err)
		}
	}
}
