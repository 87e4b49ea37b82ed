package controlplane_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/firebreak-ir/firebreak/lab/build"
	"github.com/firebreak-ir/firebreak/lab/controlplane"
	"github.com/firebreak-ir/firebreak/lab/scenario/clustertest"
)

const accounts = `
apiVersion: v1
kind: Namespace
metadata: {name: firebreak}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: firebreak-worker, namespace: firebreak}
---
# nothing but a comment
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: firebreak-worker}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: firebreak-worker}
subjects: [{kind: ServiceAccount, name: firebreak-worker, namespace: firebreak}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: firebreak-worker}
rules: [{apiGroups: [""], resources: [RESOURCE], verbs: [list]}]
`

func TestTheWorkerMayDoWhatTheManifestsSayAndNoMore(t *testing.T) {
	cluster := clustertest.Start(t, filepath.Join("..", "servers"), build.ControlPlane(), controlplane.Node{Name: "node-1", ProviderID: "aws:///us-east-1a/i-1"})
	apply(t, cluster.ControlPlane, "nodes")
	worker := workerClient(t, cluster.ControlPlane)
	err := listNodes(t, worker, func(err error) bool { return err == nil })
	if err != nil {
		t.Fatalf("nodes: %v", err)
	}
	nodes, err := worker.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
	if err != nil || len(nodes.Items) != 1 || nodes.Items[0].Spec.ProviderID != "aws:///us-east-1a/i-1" {
		t.Errorf("nodes %v, %v", nodes, err)
	}
	if _, err := worker.CoreV1().Pods("default").List(t.Context(), metav1.ListOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("pods: %v", err)
	}
	apply(t, cluster.ControlPlane, "pods") // a changed manifest takes something away, too
	if err := listNodes(t, worker, apierrors.IsForbidden); !apierrors.IsForbidden(err) {
		t.Errorf("nodes after the change: %v", err)
	}
	audit, err := os.ReadFile(cluster.AuditLog)
	if err != nil || !strings.Contains(string(audit), "system:serviceaccount:firebreak:firebreak-worker") {
		t.Errorf("the audit log does not know the worker: %v", err)
	}
	if strings.Contains(string(audit), `"username":"lab-kwok"`) {
		t.Error("the audit log is full of the lab itself")
	}
}

// listNodes lists until the answer is the wanted one, at most a minute: the API server authorizes from what its watches
// have told it, which is a moment behind what was applied.
func listNodes(t *testing.T, client kubernetes.Interface, wanted func(error) bool) error {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		_, err := client.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
		if wanted(err) || time.Now().After(deadline) {
			return err
		}
	}
}

func apply(t *testing.T, plane controlplane.ControlPlane, resource string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "rbac.yaml")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(accounts, "RESOURCE", resource)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := plane.Apply(t.Context(), file); err != nil {
		t.Fatal(err)
	}
}

func workerClient(t *testing.T, plane controlplane.ControlPlane) kubernetes.Interface {
	t.Helper()
	kubeconfig, err := plane.WriteWorkerKubeconfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	return kubernetes.NewForConfigOrDie(config)
}

func TestAManifestThatIsNoneIsNamed(t *testing.T) {
	plane := controlplane.Describe(t.TempDir(), controlplane.Ports{})
	if err := plane.Apply(t.Context(), "/nowhere/rbac.yaml"); err == nil || !strings.Contains(err.Error(), "/nowhere/rbac.yaml") {
		t.Errorf("got %v", err)
	}
}
