package kube

import (
	"errors"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/firebreak-ir/firebreak/activities"
)

func TestExplain(t *testing.T) {
	r := request{verb: "list", group: "apps", resource: "replicasets", namespace: "shop"}
	res := schema.GroupResource{Group: "apps", Resource: "replicasets"}
	for name, tc := range map[string]struct {
		err  error
		kind activities.Kind
		says string
	}{
		"forbidden": {apierrors.NewForbidden(res, "", errors.New("no")), activities.Forbidden,
			`verb "list" on resource "replicasets" in API group "apps" (deploy/rbac.yaml has it), then check with ` + "`kubectl auth can-i list replicasets.apps -n shop`"},
		"not found":   {apierrors.NewNotFound(res, "x"), activities.NotFound, `list replicasets.apps in namespace "shop"`},
		"bad request": {apierrors.NewBadRequest("what"), activities.InvalidInput, "correct the step"},
		"conflict":    {apierrors.NewConflict(res, "x", errors.New("modified")), "", "modified"},
		"broken":      {errors.New("connection refused"), "", "connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			err := r.explain(tc.err)
			if kind, _ := activities.KindOf(err); kind != tc.kind || !strings.Contains(err.Error(), tc.says) || !errors.Is(err, tc.err) {
				t.Errorf("%q error %v, want %q with %q", kind, err, tc.kind, tc.says)
			}
		})
	}
	if r.explain(nil) != nil {
		t.Error("no error became one")
	}
}

func TestExplainKeepsTheServersPatience(t *testing.T) {
	var throttled *activities.ThrottledError
	err := request{verb: "get", resource: "pods"}.explain(apierrors.NewTooManyRequests("slow down", 7))
	if !errors.As(err, &throttled) || throttled.After != 7*time.Second {
		t.Errorf("error %#v, want a retry in 7 s", err)
	}
	err = request{verb: "get", resource: "pods"}.explain(apierrors.NewTooManyRequestsError("slow down"))
	if !errors.As(err, &throttled) || throttled.After <= 0 {
		t.Errorf("error %#v, want a retry after some time", err)
	}
}
