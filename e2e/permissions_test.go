package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/firebreak-ir/firebreak/activities/kube/kubetest"
	"github.com/firebreak-ir/firebreak/deploy"
	"github.com/firebreak-ir/firebreak/workflows"
	"github.com/firebreak-ir/firebreak/workflows/cases"
)

const modest = `apiVersion: firebreak/v1
kind: Playbook
metadata: {name: modest, version: 1.0.0}
defaults: {retry: {attempts: 1}}
steps:
  - {id: mark, phase: coordinate, uses: kube.label_node, with: {node: "${{ alert.target.node }}", labels: {firebreak/case: "${{ run.case }}"}}}
  - {id: cordon, phase: contain, uses: kube.cordon_node, with: {node: "${{ alert.target.node }}"}}
  - {id: deny, phase: contain, uses: kube.isolate_pod, with: {pod: {namespace: "${{ alert.target.namespace }}", name: "${{ alert.target.pod }}", uid: %q}}}
`

// TestAPlaybookNeedsExactlyItsPermissions runs a playbook with what `firebreak permissions` prints for it, and then once
// with each of these verbs missing: the case holds, and says which one it wants.
func TestAPlaybookNeedsExactlyItsPermissions(t *testing.T) {
	w := newWorld(t, nil)
	pod := w.victim()
	file := filepath.Join(w.Dir, "modest.yaml")
	kubetest.Must(t, os.WriteFile(file, fmt.Appendf(nil, modest, pod.UID), 0o600))
	alert := filepath.Join(w.Dir, "alert.json")
	kubetest.Must(t, os.WriteFile(alert, w.alert(pod.Name), 0o600))
	var needed struct{ Kubernetes []deploy.Rule }
	kubetest.Must(t, w.JSON(t.Context(), &needed, "permissions", file))
	least := rulesOf(needed.Kubernetes)
	role := w.role(least)
	w.worker()
	eventually(t, "the worker's search attributes", func() bool { return w.Command(t.Context(), "drills").Run() == nil })

	whole := w.played(file, alert)
	if whole.Status != workflows.Completed || whole.Outcome != workflows.OutcomeContained {
		t.Fatalf("with exactly what it needs: %s, %s, %+v", whole.Status, whole.Outcome, whole.Holds)
	}
	w.undone(whole.Case)
	for _, missing := range verbsOf(least) {
		t.Run(missing.String(), func(t *testing.T) {
			role.Rules = missing.from(least)
			w.grants(role, least)
			state := w.played(file, alert)
			if state.Status != workflows.Held || state.Holds[0].Kind != "Forbidden" || !strings.Contains(state.Holds[0].Error, missing.resource) ||
				!strings.Contains(state.Holds[0].Error, missing.verb) {
				if missing.undoOnly() && state.Status == workflows.Completed {
					w.undoFails(state.Case, missing)
				} else {
					t.Errorf("%s: %+v", state.Status, state.Holds)
				}
			}
			role.Rules = least
			w.grants(role, least)
			if state.Status == workflows.Held {
				kubetest.Must(t, w.Command(t.Context(), "abort", state.Case, "--reason", "seen").Run())
				w.until(state.Case, "its end", func(s workflows.State) bool { return !s.Ended.IsZero() })
			}
			w.undone(state.Case)
		})
	}
}

// rulesOf gives printed rules as Kubernetes has them.
func rulesOf(list []deploy.Rule) []rbacv1.PolicyRule {
	var out []rbacv1.PolicyRule
	for _, r := range list {
		out = append(out, rbacv1.PolicyRule{APIGroups: []string{r.Group}, Resources: []string{r.Resource}, Verbs: r.Verbs})
	}
	return out
}

// grant is one verb on one resource.
type grant struct{ group, resource, verb string }

func (g grant) String() string { return g.verb + " " + g.resource }

func (g grant) from(rules []rbacv1.PolicyRule) []rbacv1.PolicyRule {
	return slices.DeleteFunc(without(rules, g.group, g.resource, g.verb), func(r rbacv1.PolicyRule) bool { return len(r.Verbs) == 0 })
}

// undoOnly tells whether only an undo needs it: the run itself then goes through.
func (g grant) undoOnly() bool { return g.verb == "delete" }

func verbsOf(rules []rbacv1.PolicyRule) []grant {
	var out []grant
	for _, r := range rules {
		for _, verb := range r.Verbs {
			out = append(out, grant{r.APIGroups[0], r.Resources[0], verb})
		}
	}
	return out
}

// role makes the worker's role and lets the test's worker be nobody else.
func (w *world) role(rules []rbacv1.PolicyRule) *rbacv1.ClusterRole {
	w.t.Helper()
	role, err := w.Admin.RbacV1().ClusterRoles().Create(w.t.Context(), &rbacv1.ClusterRole{
		ObjectMeta: metav1.ObjectMeta{Name: w.Namespace}, Rules: rules,
	}, metav1.CreateOptions{})
	kubetest.Must(w.t, err)
	w.Cleanup(w.t, "role "+w.Namespace, func(k kubernetes.Interface) error {
		return k.RbacV1().ClusterRoles().Delete(context.Background(), w.Namespace, metav1.DeleteOptions{})
	})
	w.bind()
	w.Kube = w.kubeconfig()
	return role
}

// grants changes the role and waits until the API server judges by it.
func (w *world) grants(role *rbacv1.ClusterRole, all []rbacv1.PolicyRule) {
	w.t.Helper()
	now, err := w.Admin.RbacV1().ClusterRoles().Get(w.t.Context(), role.Name, metav1.GetOptions{})
	kubetest.Must(w.t, err)
	now.Rules = slices.Clone(role.Rules)
	_, err = w.Admin.RbacV1().ClusterRoles().Update(w.t.Context(), now, metav1.UpdateOptions{})
	kubetest.Must(w.t, err)
	w.judges(role.Rules, all)
}

// played runs the playbook until it ends or is held.
func (w *world) played(file, alert string) workflows.State {
	w.t.Helper()
	var started cases.Started
	kubetest.Must(w.t, w.JSON(w.t.Context(), &started, "run", file, "--alert", alert))
	return w.until(started.Case, "the end or a hold", func(s workflows.State) bool { return !s.Ended.IsZero() || s.Status == workflows.Held })
}

func (w *world) undone(id string) {
	w.t.Helper()
	if out, err := w.Command(w.t.Context(), "undo", id).CombinedOutput(); err != nil {
		w.t.Fatalf("undo: %v\n%s", err, out)
	}
}

// undoFails wants the undo of a case to say which permission is missing.
func (w *world) undoFails(id string, missing grant) {
	w.t.Helper()
	out, err := w.Command(w.t.Context(), "undo", id).CombinedOutput()
	if err == nil || !strings.Contains(string(out), missing.resource) || !strings.Contains(string(out), missing.verb) {
		w.t.Errorf("undo without %s: %v\n%s", missing, err, out)
	}
}

// judges waits until the API server answers the worker's own questions as these rules do.
func (w *world) judges(rules, all []rbacv1.PolicyRule) {
	w.t.Helper()
	want := verbsOf(rules)
	config, err := clientcmd.BuildConfigFromFlags("", w.Kube)
	kubetest.Must(w.t, err)
	worker, err := kubernetes.NewForConfig(config)
	kubetest.Must(w.t, err)
	eventually(w.t, "the API server to judge by the role", func() bool {
		review, err := worker.AuthorizationV1().SelfSubjectRulesReviews().Create(w.t.Context(),
			&authorizationv1.SelfSubjectRulesReview{Spec: authorizationv1.SelfSubjectRulesReviewSpec{Namespace: w.Namespace}}, metav1.CreateOptions{})
		if err != nil {
			return false
		}
		var have []grant
		for _, r := range review.Status.ResourceRules {
			for _, resource := range r.Resources {
				for _, verb := range r.Verbs {
					have = append(have, grant{r.APIGroups[0], resource, verb})
				}
			}
		}
		return !slices.ContainsFunc(verbsOf(all), func(g grant) bool { return slices.Contains(have, g) != slices.Contains(want, g) })
	})
}
