package kube_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/activities/conformance"
	"github.com/firebreak-ir/firebreak/activities/kube"
	"github.com/firebreak-ir/firebreak/activities/kube/kubetest"
)

// call is one case's call; each test has a case of its own name.
func call(caseID string) activities.Call {
	return activities.Call{Case: caseID, Step: "step", Key: caseID + "/step"}
}

const caseA, caseB = "pod-compromise-0a1b2c3d.4e5f6a7b", "pod-compromise-9f8e7d6c.5b4a3928"

// subject holds an activity to its declaration in a world.
func subject(w *kubetest.World, define func(kube.Cluster) activities.Definition, in any, state func(testing.TB) string) conformance.Subject {
	return conformance.Subject{
		Activity: define(w), Tap: w.Tap, Call: call(caseA), In: in, State: state,
		Without: func(t testing.TB, permission string) activities.Definition {
			lacking := w.Without(t, define(nil).Permissions, permission)
			return define(kube.ClusterFunc(func() (kubernetes.Interface, error) { return lacking, nil }))
		},
	}
}

func run[Out any](t *testing.T, d activities.Definition, c activities.Call, in any) Out {
	t.Helper()
	out, err := tryRun[Out](t, d, c, in)
	if err != nil {
		t.Fatalf("%s: %v", d.Name, err)
	}
	return out
}

func tryRun[Out any](t *testing.T, d activities.Definition, c activities.Call, in any) (Out, error) {
	t.Helper()
	var out Out
	raw, err := json.Marshal(in)
	kubetest.Must(t, err)
	result, err := d.Run(t.Context(), c, raw)
	if err != nil {
		return out, err
	}
	kubetest.Must(t, json.Unmarshal(result, &out))
	return out, nil
}

func undo(t *testing.T, d activities.Definition, c activities.Call, in any) {
	t.Helper()
	if err := tryUndo(t, d, c, in); err != nil {
		t.Fatalf("undo %s: %v", d.Name, err)
	}
}

// tryUndo undoes without the run's output, as after a crash.
func tryUndo(t *testing.T, d activities.Definition, c activities.Call, in any) error {
	t.Helper()
	raw, err := json.Marshal(in)
	kubetest.Must(t, err)
	return d.Undo(t.Context(), c, raw, nil)
}

func ref(pod *corev1.Pod) kube.PodRef {
	return kube.PodRef{Namespace: pod.Namespace, Name: pod.Name, UID: string(pod.UID)}
}

// meta is the part of an object's metadata that people and activities write.
func meta(kind string, o metav1.Object) string {
	var b strings.Builder
	b.WriteString(kind + "/" + o.GetName() + "\n")
	for _, key := range slices.Sorted(maps.Keys(o.GetLabels())) {
		b.WriteString("  label " + key + "=" + o.GetLabels()[key] + "\n")
	}
	for _, key := range slices.Sorted(maps.Keys(o.GetAnnotations())) {
		if strings.HasPrefix(key, "node.alpha.kubernetes.io/") {
			continue // the controller manager writes it a moment after the node is made
		}
		b.WriteString("  annotation " + key + "=" + o.GetAnnotations()[key] + "\n")
	}
	return b.String()
}

func nodeState(w *kubetest.World) func(testing.TB) string {
	return func(t testing.TB) string {
		t.Helper()
		node, err := w.Admin.CoreV1().Nodes().Get(t.Context(), w.Node, metav1.GetOptions{})
		kubetest.Must(t, err)
		state := meta("node", node)
		if node.Spec.Unschedulable {
			state += "  unschedulable\n"
		}
		return state
	}
}

// podsState is every pod and policy of the world's namespace.
func podsState(w *kubetest.World) func(testing.TB) string {
	return func(t testing.TB) string {
		t.Helper()
		pods, err := w.Admin.CoreV1().Pods(w.Namespace).List(t.Context(), metav1.ListOptions{})
		kubetest.Must(t, err)
		policies, err := w.Admin.NetworkingV1().NetworkPolicies(w.Namespace).List(t.Context(), metav1.ListOptions{})
		kubetest.Must(t, err)
		var parts []string
		for _, pod := range pods.Items {
			parts = append(parts, meta("pod", &pod))
		}
		for _, policy := range policies.Items {
			spec, err := json.Marshal(policy.Spec)
			kubetest.Must(t, err)
			parts = append(parts, meta("policy", &policy)+"  "+string(spec)+"\n")
		}
		return strings.Join(parts, "")
	}
}

func setNode(t *testing.T, w *kubetest.World, change func(*corev1.Node)) {
	t.Helper()
	kubetest.Eventually(t, "the node to be written", func() bool {
		node, err := w.Admin.CoreV1().Nodes().Get(t.Context(), w.Node, metav1.GetOptions{})
		kubetest.Must(t, err)
		change(node)
		_, err = w.Admin.CoreV1().Nodes().Update(t.Context(), node, metav1.UpdateOptions{FieldManager: "somebody-else"})
		return err == nil
	})
}

func setPod(t *testing.T, w *kubetest.World, name string, change func(*corev1.Pod)) {
	t.Helper()
	kubetest.Eventually(t, "the pod to be written", func() bool {
		pod, err := w.Admin.CoreV1().Pods(w.Namespace).Get(t.Context(), name, metav1.GetOptions{})
		kubetest.Must(t, err)
		change(pod)
		_, err = w.Admin.CoreV1().Pods(w.Namespace).Update(t.Context(), pod, metav1.UpdateOptions{FieldManager: "somebody-else"})
		return err == nil
	})
}

func wantKind(t *testing.T, err error, kind activities.Kind) {
	t.Helper()
	if got, _ := activities.KindOf(err); got != kind {
		t.Fatalf("error %v is of kind %q, want %q", err, got, kind)
	}
}
