package kube

import (
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/firebreak-ir/firebreak/activities"
)

// request names one API request, so that its failure can say what to grant or what to correct.
type request struct {
	verb, group, resource string
	namespace, name       string
}

// explain turns an API error into the one kind that the engine acts on. A conflict stays a plain error: by then it has
// been retried here, and a later attempt may find the object at rest.
func (r request) explain(err error) error {
	if err == nil {
		return nil
	}
	wrapped := fmt.Errorf("%s: %w", r, err)
	switch {
	case apierrors.IsForbidden(err):
		return activities.Permanent(activities.Forbidden, wrapped, r.grant())
	case apierrors.IsNotFound(err):
		return activities.Permanent(activities.NotFound, wrapped, "check the name and the cluster; what is gone cannot be acted on")
	case apierrors.IsInvalid(err), apierrors.IsBadRequest(err):
		return activities.Invalid(wrapped, "correct the step's `with`")
	case apierrors.IsTooManyRequests(err):
		return &activities.ThrottledError{After: retryAfter(err), Err: wrapped}
	}
	return wrapped
}

// String is the request in words, such as: patch pods "shop/web-0".
func (r request) String() string {
	switch {
	case r.name == "" && r.namespace == "":
		return fmt.Sprintf("%s %s", r.verb, r.qualified())
	case r.name == "":
		return fmt.Sprintf("%s %s in namespace %q", r.verb, r.qualified(), r.namespace)
	case r.namespace == "":
		return fmt.Sprintf("%s %s %q", r.verb, r.qualified(), r.name)
	}
	return fmt.Sprintf("%s %s %q", r.verb, r.qualified(), r.namespace+"/"+r.name)
}

func (r request) qualified() string {
	if r.group == "" {
		return r.resource
	}
	return r.resource + "." + r.group
}

func (r request) grant() string {
	where := ""
	if r.namespace != "" {
		where = " -n " + r.namespace
	}
	return fmt.Sprintf("grant the worker's service account verb %q on resource %q in API group %q (deploy/rbac.yaml has it), "+
		"then check with `kubectl auth can-i %s %s%s`", r.verb, r.resource, r.group, r.verb, r.qualified(), where)
}

func retryAfter(err error) time.Duration {
	if seconds, ok := apierrors.SuggestsClientDelay(err); ok && seconds > 0 {
		return time.Duration(seconds) * time.Second
	}
	return time.Second
}

// writing are the options of every patch: our name, and the API server's own dry run when the call is one.
func writing(call activities.Call) metav1.PatchOptions {
	return metav1.PatchOptions{FieldManager: FieldManager, DryRun: dryRun(call)}
}

func dryRun(call activities.Call) []string {
	if call.DryRun {
		return []string{metav1.DryRunAll}
	}
	return nil
}
