package kube

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/validate/content"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/retry"

	"github.com/firebreak-ir/firebreak/activities"
)

// PodRef names exactly one pod: another pod of the same name has another UID.
type PodRef struct {
	Namespace string `json:"namespace" doc:"The pod's namespace"`
	Name      string `json:"name" doc:"The pod's name"`
	UID       string `json:"uid" doc:"The pod's UID; a pod of the same name with another UID is not touched"`
}

// String is the reference in words.
func (p PodRef) String() string { return "pod/" + p.Namespace + "/" + p.Name }

func (p PodRef) check() error {
	if p.Namespace == "" || p.Name == "" || p.UID == "" {
		return activities.Invalid(fmt.Errorf("pod reference {namespace %q, name %q, uid %q} is not whole", p.Namespace, p.Name, p.UID),
			"pass one of `pods` of kube.identify_pod's output")
	}
	return checkNames(p.Namespace, p.Name)
}

// checkNames refuses what can be no name of an object before it becomes part of a URL: names come from alerts.
func checkNames(names ...string) error {
	for _, name := range names {
		if problems := content.IsPathSegmentName(name); len(problems) > 0 {
			return activities.Invalid(fmt.Errorf("%q is no name: it %s", name, problems[0]), "look at what the alert says")
		}
	}
	return nil
}

func (p PodRef) request(verb string) request {
	return request{verb: verb, resource: "pods", namespace: p.Namespace, name: p.Name}
}

// getPod gives the pod of that very UID, or Permanent NotFound.
func getPod(ctx context.Context, k kubernetes.Interface, ref PodRef) (*corev1.Pod, error) {
	if err := ref.check(); err != nil {
		return nil, err
	}
	pod, err := k.CoreV1().Pods(ref.Namespace).Get(ctx, ref.Name, metav1.GetOptions{})
	if err != nil {
		return nil, ref.request("get").explain(err)
	}
	return pod, sameUID(ref.String(), string(pod.UID), ref.UID)
}

// findPod is getPod for undo: a pod that is gone, or was replaced, is nil and no error.
func findPod(ctx context.Context, k kubernetes.Interface, ref PodRef) (*corev1.Pod, error) {
	pod, err := getPod(ctx, k, ref)
	switch kind, _ := activities.KindOf(err); {
	case kind == activities.NotFound:
		return nil, nil
	case err != nil:
		return nil, err
	}
	return pod, nil
}

// nodeRef names a node; the UID is optional because alerts carry names alone.
type nodeRef struct{ name, uid string }

func (n nodeRef) request(verb string) request {
	return request{verb: verb, resource: "nodes", name: n.name}
}

// String is the reference in words.
func (n nodeRef) String() string { return "node/" + n.name }

func getNode(ctx context.Context, k kubernetes.Interface, ref nodeRef) (*corev1.Node, error) {
	if ref.name == "" {
		return nil, activities.Invalid(errors.New("node name is empty"), "pass `node` of kube.identify_pod's output")
	}
	if err := checkNames(ref.name); err != nil {
		return nil, err
	}
	node, err := k.CoreV1().Nodes().Get(ctx, ref.name, metav1.GetOptions{})
	if err != nil {
		return nil, ref.request("get").explain(err)
	}
	if ref.uid == "" {
		return node, nil
	}
	return node, sameUID(ref.String(), string(node.UID), ref.uid)
}

// findNode is getNode for undo: a node that is gone, or was replaced, is nil and no error.
func findNode(ctx context.Context, k kubernetes.Interface, ref nodeRef) (*corev1.Node, error) {
	node, err := getNode(ctx, k, ref)
	switch kind, _ := activities.KindOf(err); {
	case kind == activities.NotFound:
		return nil, nil
	case err != nil:
		return nil, err
	}
	return node, nil
}

func sameUID(object, got, want string) error {
	if got == want {
		return nil
	}
	return activities.Permanent(activities.NotFound,
		fmt.Errorf("%s has UID %q, not %q: it is another one of the same name", object, got, want), "identify the target again")
}

// onConflict repeats do a few times, about half a second in all, while the object changes under the lock.
func onConflict(do func() error) error {
	return retry.RetryOnConflict(wait.Backoff{Steps: 6, Duration: 15 * time.Millisecond, Factor: 2, Jitter: 0.5}, do)
}
