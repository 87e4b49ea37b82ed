package conformance

import (
	"slices"
	"strings"
	"testing"

	"github.com/firebreak-ir/firebreak/activities"
)

// Names gives permissions one by one, sorted, such as "patch pods", "list networkpolicies.networking.k8s.io" or
// "ec2:CreateSnapshots".
func Names(permissions []activities.Permission) []string {
	var out []string
	for _, p := range permissions {
		if p.IAM != "" {
			out = append(out, p.IAM)
		}
		for _, verb := range p.Verbs {
			out = append(out, Name(verb, p.Group, p.Resource))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Name is one Kubernetes permission in words.
func Name(verb, group, resource string) string {
	if group != "" {
		resource += "." + group
	}
	return verb + " " + resource
}

// declared compares what the activity says it needs with what it was seen to use, in both directions.
func (s Subject) declared(t testing.TB) {
	t.Helper()
	declared, used := Names(s.Activity.Permissions), s.Tap.Used()
	for _, p := range used {
		if !slices.Contains(declared, p) {
			t.Errorf("uses %q and does not declare it", p)
		}
	}
	for _, p := range declared {
		if !slices.Contains(used, p) {
			t.Errorf("declares %q and never used it", p)
		}
	}
}

// forbidden takes every permission away in turn: somewhere between run and undo there must be a permanent error of the
// kind Forbidden that names what was missing.
func (s Subject) forbidden(t testing.TB) {
	t.Helper()
	if s.Without == nil {
		return
	}
	for _, p := range Names(s.Activity.Permissions) {
		lacking := s
		lacking.Activity = s.Without(t, p)
		err := lacking.runAndUndo(t)
		if kind, _ := activities.KindOf(err); kind != activities.Forbidden || !names(err, p) {
			t.Errorf("without %q the error is %v; it must be Forbidden and name verb and resource", p, err)
		}
		if s.Activity.Undo != nil {
			s.undo(t, "of a run that lacked "+p)
		}
	}
}

func (s Subject) runAndUndo(t testing.TB) error {
	t.Helper()
	if _, err := s.Activity.Run(t.Context(), s.Call, s.input(t)); err != nil || s.Activity.Undo == nil {
		return err
	}
	return s.Activity.Undo(t.Context(), s.Call, s.input(t), nil)
}

func names(err error, permission string) bool {
	for _, word := range strings.Fields(permission) {
		if err == nil || !strings.Contains(err.Error(), word) {
			return false
		}
	}
	return true
}
