package e2e

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/types/known/durationpb"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/firebreak-ir/firebreak/activities/kube/kubetest"
	"github.com/firebreak-ir/firebreak/internal/labenv"
	"github.com/firebreak-ir/firebreak/internal/stage"
	"github.com/firebreak-ir/firebreak/workflows"
)

// patience bounds every wait of these tests; a case takes seconds, and the machines are shared.
const patience = 4 * time.Minute

// world is what one test has for itself: a namespace and a node in Kubernetes, an instance in AWS, a namespace in
// Temporal, and the product's configuration for them.
type world struct {
	*kubetest.World
	*stage.Stage

	t     *testing.T
	lab   labenv.Lab
	cloud *cloud
}

// newWorld makes a world whose node is a kwok node on an image-backed instance. adjust may be nil.
func newWorld(t *testing.T, adjust func(*stage.Options)) *world {
	t.Helper()
	t.Parallel()
	lab := labenv.Load(t)
	w := &world{World: kubetest.New(t), t: t, lab: lab, cloud: newCloud(t, lab)}
	w.Node = w.node("e2e-" + w.Namespace)
	o := stage.Options{
		Binary: binary(t), Dir: t.TempDir(), Evidence: filepath.Join(t.TempDir(), "cases"), Tracker: filepath.Join(t.TempDir(), "tickets"),
		Namespace: temporalNamespace(t, lab, w.Namespace), Cluster: "lab", Lab: lab, AccessKey: w.cloud.key,
	}
	if adjust != nil {
		adjust(&o)
	}
	var err error
	if w.Stage, err = stage.New(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.showLogs)
	return w
}

func binary(t *testing.T) string {
	t.Helper()
	path := os.Getenv("FIREBREAK_BIN")
	if path == "" {
		path = filepath.Join("..", "bin", "firebreak")
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("no binary to test: run `make build` first: %v", err)
	}
	return path
}

// node adds a kwok node that is the test's own instance.
func (w *world) node(name string) string {
	w.t.Helper()
	_, err := w.Admin.CoreV1().Nodes().Create(w.t.Context(), &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, Annotations: map[string]string{"kwok.x-k8s.io/node": "fake"},
			Labels: map[string]string{"type": "kwok", corev1.LabelHostname: name},
		},
		Spec: corev1.NodeSpec{ProviderID: "aws:///us-east-1a/" + w.cloud.instance},
	}, metav1.CreateOptions{})
	kubetest.Must(w.t, err)
	w.Cleanup(w.t, "node "+name, func(k kubernetes.Interface) error {
		return k.CoreV1().Nodes().Delete(context.Background(), name, metav1.DeleteOptions{})
	})
	return name
}

// temporalNamespace makes a namespace of the test's own, so that no other test's worker takes its work.
func temporalNamespace(t *testing.T, lab labenv.Lab, name string) string {
	t.Helper()
	namespaces, err := client.NewNamespaceClient(client.Options{HostPort: lab.Temporal.Address})
	kubetest.Must(t, err)
	defer namespaces.Close()
	kubetest.Must(t, namespaces.Register(t.Context(), &workflowservice.RegisterNamespaceRequest{
		Namespace: name, WorkflowExecutionRetentionPeriod: durationpb.New(24 * time.Hour),
	}))
	c := temporal(t, lab, name)
	eventually(t, "Temporal namespace "+name, func() bool {
		_, err := c.ListWorkflow(t.Context(), &workflowservice.ListWorkflowExecutionsRequest{Namespace: name})
		var missing *serviceerror.NamespaceNotFound
		return !errors.As(err, &missing)
	})
	return name
}

func temporal(t *testing.T, lab labenv.Lab, namespace string) client.Client {
	t.Helper()
	c, err := client.Dial(client.Options{HostPort: lab.Temporal.Address, Namespace: namespace, Logger: quiet{}})
	kubetest.Must(t, err)
	t.Cleanup(c.Close)
	return c
}

type quiet struct{}

func (quiet) Debug(string, ...any) {}
func (quiet) Info(string, ...any)  {}
func (quiet) Warn(string, ...any)  {}
func (quiet) Error(string, ...any) {}

// worker starts a worker that ends with the test.
func (w *world) worker() *stage.Process {
	w.t.Helper()
	p, err := w.Stage.Worker()
	kubetest.Must(w.t, err)
	w.t.Cleanup(func() { kubetest.Must(w.t, p.Kill()) })
	return p
}

// receiver starts a receiver that ends with the test.
func (w *world) receiver() *stage.Process {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	p, err := w.Receiver(ctx)
	kubetest.Must(w.t, err)
	w.t.Cleanup(func() { kubetest.Must(w.t, p.Kill()) })
	return p
}

// victim makes a Deployment behind a Service and gives one of its pods.
func (w *world) victim() *corev1.Pod {
	w.t.Helper()
	labels := map[string]string{"app": "web"}
	w.Service(w.t, "web", labels)
	pods := w.Deployment(w.t, "web", labels, 2)
	return &pods[0]
}

// alert is a Falco alert about a pod, as falcosidekick sends it. Its words are an attacker's.
func (w *world) alert(pod string) []byte {
	w.t.Helper()
	return w.alertOf(map[string]any{"container.id": "45dd76eff80f", "k8s.ns.name": w.Namespace, "k8s.pod.name": pod})
}

// alertOf is an alert with these fields among its own.
func (w *world) alertOf(about map[string]any) []byte {
	w.t.Helper()
	fields := map[string]any{
		"container.name": "web", "evt.time": int64(1734874540929908828),
		"proc.name": "bash", "proc.pname": "runc", "proc.cmdline": "bash -c '; rm -rf /'",
	}
	maps.Copy(fields, about)
	raw, err := json.Marshal(map[string]any{
		"uuid": rand.Text(), "hostname": w.Node, "rule": "Terminal shell in container", "priority": "Notice", "source": "syscall",
		"output": "A shell was spawned; $(touch /tmp/owned) ${{ inputs.x }} </script>", "time": time.Now().UTC().Format(time.RFC3339Nano),
		"tags": []string{"T1059", "shell"}, "output_fields": fields,
	})
	kubetest.Must(w.t, err)
	return raw
}

// accepted sends an alert and expects a case.
func (w *world) accepted(alert []byte) stage.Answer {
	w.t.Helper()
	answer, err := w.Send(w.t.Context(), alert)
	kubetest.Must(w.t, err)
	if answer.Status != 202 || answer.Case == "" {
		w.t.Fatalf("the receiver answered %d: %s", answer.Status, answer.Body)
	}
	return answer
}

// state is what `firebreak show` says; nothing while no worker answers.
func (w *world) state(id string) (workflows.State, error) {
	ctx, cancel := context.WithTimeout(w.t.Context(), 20*time.Second)
	defer cancel()
	var shown workflows.State
	err := w.JSON(ctx, &shown, "show", id)
	return shown, err
}

// until waits for a state of the case.
func (w *world) until(id, what string, done func(workflows.State) bool) workflows.State {
	w.t.Helper()
	var last workflows.State
	var problem error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		if last, problem = w.state(id); problem == nil && done(last) {
			return last
		}
	}
	w.t.Fatalf("waited %s in vain for %s; the last state was %s in %s, holds %+v, error %v", patience, what, last.Status, last.Phase, last.Holds, problem)
	return last
}

// finished waits for the end of the case and expects a good one.
func (w *world) finished(id string) workflows.State {
	w.t.Helper()
	s := w.until(id, "the end of case "+id, func(s workflows.State) bool { return s.Status != workflows.Running })
	if s.Status != workflows.Completed {
		w.t.Fatalf("the case is %s: holds %+v", s.Status, s.Holds)
	}
	return s
}

func (w *world) showLogs() {
	if !w.t.Failed() {
		return
	}
	for _, name := range []string{"worker.log", "receiver.log"} {
		raw, err := os.ReadFile(filepath.Join(w.Dir, name))
		if err != nil {
			continue
		}
		lines := strings.Split(string(raw), "\n")
		w.t.Logf("the end of %s:\n%s", name, strings.Join(lines[max(0, len(lines)-40):], "\n"))
	}
}

func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if done() {
			return
		}
	}
	t.Fatalf("waited %s in vain for %s", patience, what)
}

func matches(pattern ...string) ([]string, error) {
	names, err := filepath.Glob(filepath.Join(pattern...))
	if err != nil {
		return nil, fmt.Errorf("list: %w", err)
	}
	return names, nil
}
