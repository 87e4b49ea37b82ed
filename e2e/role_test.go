package e2e

import (
	"context"
	"path/filepath"
	"slices"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/firebreak-ir/firebreak/activities/kube/kubetest"
)

// workerRole is the ClusterRole that deploy/rbac.yaml gives the worker.
const workerRole = "firebreak-worker"

// narrowed makes a service account that may do all that the worker may, but for one verb on one resource, and points
// the test's worker to it. The function that it gives grants what is missing.
func (w *world) narrowed(group, resource, verb string) (grant func()) {
	w.t.Helper()
	full, err := w.Admin.RbacV1().ClusterRoles().Get(w.t.Context(), workerRole, metav1.GetOptions{})
	kubetest.Must(w.t, err)
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: w.Namespace}, Rules: without(full.Rules, group, resource, verb)}
	made, err := w.Admin.RbacV1().ClusterRoles().Create(w.t.Context(), role, metav1.CreateOptions{})
	kubetest.Must(w.t, err)
	w.Cleanup(w.t, "role "+w.Namespace, func(k kubernetes.Interface) error {
		return k.RbacV1().ClusterRoles().Delete(context.Background(), w.Namespace, metav1.DeleteOptions{})
	})
	w.bind()
	w.Kube = w.kubeconfig()
	return func() {
		made.Rules = full.Rules
		_, err := w.Admin.RbacV1().ClusterRoles().Update(w.t.Context(), made, metav1.UpdateOptions{})
		kubetest.Must(w.t, err)
	}
}

func without(rules []rbacv1.PolicyRule, group, resource, verb string) []rbacv1.PolicyRule {
	var out []rbacv1.PolicyRule
	for _, r := range rules {
		if slices.Contains(r.APIGroups, group) && slices.Contains(r.Resources, resource) {
			r.Verbs = slices.DeleteFunc(slices.Clone(r.Verbs), func(v string) bool { return v == verb })
		}
		out = append(out, r)
	}
	return out
}

func (w *world) bind() {
	w.t.Helper()
	_, err := w.Admin.CoreV1().ServiceAccounts(w.Namespace).Create(w.t.Context(), &corev1.ServiceAccount{
		ObjectMeta: metav1.ObjectMeta{Name: "worker"},
	}, metav1.CreateOptions{})
	kubetest.Must(w.t, err)
	_, err = w.Admin.RbacV1().ClusterRoleBindings().Create(w.t.Context(), &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: w.Namespace},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: w.Namespace},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: w.Namespace, Name: "worker"}},
	}, metav1.CreateOptions{})
	kubetest.Must(w.t, err)
	w.Cleanup(w.t, "binding "+w.Namespace, func(k kubernetes.Interface) error {
		return k.RbacV1().ClusterRoleBindings().Delete(context.Background(), w.Namespace, metav1.DeleteOptions{})
	})
}

// kubeconfig is the lab worker's, with the token of the test's service account.
func (w *world) kubeconfig() string {
	w.t.Helper()
	token, err := w.Admin.CoreV1().ServiceAccounts(w.Namespace).CreateToken(w.t.Context(), "worker", &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	kubetest.Must(w.t, err)
	config, err := clientcmd.LoadFromFile(w.lab.Kubernetes.Worker)
	kubetest.Must(w.t, err)
	user := config.AuthInfos[config.Contexts[config.CurrentContext].AuthInfo]
	user.Token, user.TokenFile = token.Status.Token, ""
	path := filepath.Join(w.Dir, "narrowed.kubeconfig")
	kubetest.Must(w.t, clientcmd.WriteToFile(*config, path))
	return path
}
