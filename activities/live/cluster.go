// Package live captures from pods that still run, through the Kubernetes API, into the case's evidence. Nothing that runs
// in the pod is stopped, changed or trusted; a look into it leaves an ephemeral container in its spec.
package live

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/validate/content"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/custody"
)

// Cluster gives the client of the cluster that is captured from.
type Cluster interface {
	Kubernetes() (kubernetes.Interface, error)
}

// Store gives the evidence of a case.
type Store interface {
	Case(id string) (*custody.Case, error)
	Accepts(to string) error
}

// PodRef names exactly one pod: another pod of the same name has another UID.
type PodRef struct {
	Namespace string `json:"namespace" doc:"The pod's namespace"`
	Name      string `json:"name" doc:"The pod's name"`
	UID       string `json:"uid" doc:"The pod's UID; nothing is captured from a pod of the same name with another UID"`
}

// String is the reference in words.
func (p PodRef) String() string { return "pod/" + p.Namespace + "/" + p.Name }

func connect(c Cluster) (kubernetes.Interface, error) {
	if c == nil {
		return nil, errors.New("no cluster is configured for this worker")
	}
	k, err := c.Kubernetes()
	if err != nil {
		return nil, fmt.Errorf("connect to the cluster: %w", err)
	}
	return k, nil
}

func open(s Store, call activities.Call) (*custody.Case, custody.By, error) {
	by := custody.By{Step: call.Step, Key: call.Key}
	if s == nil {
		return nil, by, errors.New("no evidence store is configured for this worker")
	}
	to, err := s.Case(call.Case)
	return to, by, err
}

// writtenOnce explains the error of a second step that captures the same: no retry mends it.
func writtenOnce(err error) error {
	if errors.Is(err, custody.ErrWritten) {
		return activities.Permanent(activities.Conflict, err, "keep one such step for a pod in the playbook; evidence is written once")
	}
	return err
}

// errReplaced is wrapped where a pod's name belongs to another pod by now.
var errReplaced = errors.New("it is another pod of the same name")

func getPod(ctx context.Context, k kubernetes.Interface, ref PodRef) (*corev1.Pod, error) {
	for _, part := range []string{ref.Namespace, ref.Name, ref.UID} {
		if part == "" || len(content.IsPathSegmentName(part)) > 0 {
			return nil, activities.Invalid(fmt.Errorf("pod reference {namespace %q, name %q, uid %q} names no pod", ref.Namespace, ref.Name, ref.UID),
				"pass one of `pods` of kube.identify_pod's output")
		}
	}
	pod, err := k.CoreV1().Pods(ref.Namespace).Get(ctx, ref.Name, metav1.GetOptions{})
	if err != nil {
		return nil, request{"get", "pods", ref.Namespace, ref.Name}.explain(err)
	}
	if string(pod.UID) != ref.UID {
		return nil, activities.Permanent(activities.NotFound,
			fmt.Errorf("%s has UID %q, not %q: %w", ref, pod.UID, ref.UID, errReplaced), "identify the target again")
	}
	return pod, nil
}

// isGone tells a pod that is no more from one that was replaced.
func isGone(err error) bool { return apierrors.IsNotFound(err) }

// impossible tells what the API server or the kubelet refuses for good: a container that never started, or whose log
// is no more.
func impossible(err error) bool {
	return apierrors.IsBadRequest(err) || apierrors.IsNotFound(err) || errors.Is(err, errNoLog)
}

// request names one API request of the core group, so that its failure can say what to grant.
type request struct{ verb, resource, namespace, name string }

func (r request) explain(err error) error {
	wrapped := fmt.Errorf("%s %s %q: %w", r.verb, r.resource, r.namespace+"/"+r.name, err)
	switch {
	case apierrors.IsForbidden(err):
		return activities.Permanent(activities.Forbidden, wrapped, fmt.Sprintf("grant the worker's service account verb %q on resource %q in API group \"\" "+
			"(deploy/rbac.yaml has it), then check with `kubectl auth can-i %s %s -n %s`", r.verb, r.resource, r.verb, r.resource, r.namespace))
	case apierrors.IsNotFound(err):
		return activities.Permanent(activities.NotFound, wrapped, "check the name and the cluster; what is gone cannot be captured")
	case apierrors.IsTooManyRequests(err):
		return &activities.ThrottledError{After: retryAfter(err), Err: wrapped}
	}
	return wrapped
}

func retryAfter(err error) time.Duration {
	if seconds, ok := apierrors.SuggestsClientDelay(err); ok && seconds > 0 {
		return time.Duration(seconds) * time.Second
	}
	return time.Second
}
