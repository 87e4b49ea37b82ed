// Package kubetest gives a test a namespace and a node of its own on the lab's real API server, and clients that act
// with the worker's permissions, or with one of them missing. Tests in different worlds can run side by side.
package kubetest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/firebreak-ir/firebreak/activities/conformance"
	"github.com/firebreak-ir/firebreak/internal/labenv"
)

// World is what one test has for itself.
type World struct {
	Namespace string
	Node      string
	// Admin sets the scene; no activity ever runs with it.
	Admin kubernetes.Interface
	// Worker acts with the worker's own service account, through Tap.
	Worker kubernetes.Interface
	Tap    *conformance.Tap

	admin *rest.Config
}

// New makes a world and takes it down when the test ends.
func New(t *testing.T) *World {
	t.Helper()
	lab := labenv.Load(t)
	w := &World{Tap: conformance.NewTap(Classify), admin: load(t, lab.Kubernetes.Admin)}
	w.Admin = client(t, w.admin)
	worker := load(t, lab.Kubernetes.Worker)
	worker.Wrap(w.Tap.Wrap)
	w.Worker = client(t, worker)
	w.Namespace = "test-" + unique(t)
	w.Node = "node-" + w.Namespace
	w.namespace(t)
	w.MakeNode(t, w.Node)
	return w
}

func load(t testing.TB, path string) *rest.Config {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		t.Fatal(err)
	}
	config.QPS, config.Burst = 200, 400
	return config
}

func client(t testing.TB, config *rest.Config) kubernetes.Interface {
	t.Helper()
	k, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func unique(t testing.TB) string {
	t.Helper()
	raw := make([]byte, 4)
	if _, err := rand.Read(raw); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(raw)
}

func (w *World) namespace(t *testing.T) {
	t.Helper()
	_, err := w.Admin.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: w.Namespace}}, metav1.CreateOptions{})
	Must(t, err)
	w.Cleanup(t, "namespace "+w.Namespace, func(k kubernetes.Interface) error {
		return k.CoreV1().Namespaces().Delete(w.Context(t), w.Namespace, metav1.DeleteOptions{})
	})
	Eventually(t, "the namespace's default service account", func() bool {
		_, err := w.Admin.CoreV1().ServiceAccounts(w.Namespace).Get(t.Context(), "default", metav1.GetOptions{})
		return err == nil
	})
}

// MakeNode adds a node that kwok keeps alive, with the provider id of an instance of its own.
func (w *World) MakeNode(t *testing.T, name string) *corev1.Node {
	t.Helper()
	node, err := w.Admin.CoreV1().Nodes().Create(t.Context(), &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{
			Name:        name,
			Annotations: map[string]string{"kwok.x-k8s.io/node": "fake"},
			Labels: map[string]string{
				"type": "kwok", corev1.LabelHostname: "host-" + name, corev1.LabelInstanceTypeStable: "m5d.large",
				corev1.LabelTopologyZone: "eu-central-1a",
			},
		},
		Spec: corev1.NodeSpec{ProviderID: "aws:///eu-central-1a/i-" + name},
	}, metav1.CreateOptions{})
	Must(t, err)
	w.Cleanup(t, "node "+name, func(k kubernetes.Interface) error {
		return k.CoreV1().Nodes().Delete(w.Context(t), name, metav1.DeleteOptions{})
	})
	Eventually(t, "node "+name+" to be ready", func() bool {
		node, err = w.Admin.CoreV1().Nodes().Get(t.Context(), name, metav1.GetOptions{})
		Must(t, err)
		for _, c := range node.Status.Conditions {
			if c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue {
				return true
			}
		}
		return false
	})
	return node
}

// Kubernetes makes the world a cluster as the activities know it: the worker's.
func (w *World) Kubernetes() (kubernetes.Interface, error) { return w.Worker, nil }

// Cleanup removes something when the test ends; gone already is done.
func (w *World) Cleanup(t testing.TB, what string, remove func(kubernetes.Interface) error) {
	t.Cleanup(func() {
		if err := remove(w.Admin); err != nil && !apierrors.IsNotFound(err) {
			t.Errorf("remove %s: %v", what, err)
		}
	})
}

// Context is the test's context for what runs after it.
func (w *World) Context(t testing.TB) context.Context { return context.WithoutCancel(t.Context()) }

// Must ends the test at an error.
func Must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Eventually waits until the cluster's controllers have brought something about.
func Eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if done() {
			return
		}
	}
	t.Fatalf("waited 30 s in vain for %s", what)
}
