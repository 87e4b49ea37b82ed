package kubetest

import (
	"errors"
	"slices"
	"strings"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/activities/conformance"
)

// Without gives a client of a user who may do all that is declared, but for one permission such as "patch pods".
func (w *World) Without(t testing.TB, declared []activities.Permission, missing string) kubernetes.Interface {
	t.Helper()
	user := "user-" + unique(t)
	granted := slices.DeleteFunc(conformance.Names(declared), func(p string) bool { return p == missing || !strings.Contains(p, " ") })
	w.grant(t, user, granted)
	config := rest.CopyConfig(w.admin)
	config.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: []string{"system:authenticated"}}
	self := client(t, config)
	for _, p := range granted {
		Eventually(t, user+" to be allowed to "+p, func() bool { return allowed(t, self, p) })
	}
	config.Wrap(w.Tap.Wrap)
	return client(t, config)
}

func (w *World) grant(t testing.TB, user string, granted []string) {
	t.Helper()
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: user}}
	for _, p := range granted {
		a := attributes(p)
		resource := a.Resource
		if a.Subresource != "" {
			resource += "/" + a.Subresource
		}
		role.Rules = append(role.Rules, rbacv1.PolicyRule{Verbs: []string{a.Verb}, APIGroups: []string{a.Group}, Resources: []string{resource}})
	}
	_, err := w.Admin.RbacV1().ClusterRoles().Create(t.Context(), role, metav1.CreateOptions{})
	Must(t, err)
	_, err = w.Admin.RbacV1().ClusterRoleBindings().Create(t.Context(), &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: user},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: user},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: user}},
	}, metav1.CreateOptions{})
	Must(t, err)
	w.Cleanup(t, "role of "+user, func(k kubernetes.Interface) error {
		return errors.Join(
			k.RbacV1().ClusterRoleBindings().Delete(w.Context(t), user, metav1.DeleteOptions{}),
			k.RbacV1().ClusterRoles().Delete(w.Context(t), user, metav1.DeleteOptions{}))
	})
}

// allowed asks the API server itself, whose authorizer learns of a new role a moment after it is written.
func allowed(t testing.TB, k kubernetes.Interface, permission string) bool {
	t.Helper()
	a := attributes(permission)
	review, err := k.AuthorizationV1().SelfSubjectAccessReviews().Create(t.Context(),
		&authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &a}}, metav1.CreateOptions{})
	Must(t, err)
	return review.Status.Allowed
}

// attributes takes "get pods/log" and "list networkpolicies.networking.k8s.io" apart.
func attributes(permission string) authorizationv1.ResourceAttributes {
	verb, qualified, _ := strings.Cut(permission, " ")
	resource, group, _ := strings.Cut(qualified, ".")
	resource, sub, _ := strings.Cut(resource, "/")
	return authorizationv1.ResourceAttributes{Verb: verb, Group: group, Resource: resource, Subresource: sub}
}
