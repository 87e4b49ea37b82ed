package live_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/activities/conformance"
	"github.com/firebreak-ir/firebreak/activities/kube/kubetest"
	"github.com/firebreak-ir/firebreak/activities/live"
	"github.com/firebreak-ir/firebreak/internal/labenv"
)

func runAs[Out any](t *testing.T, d activities.Definition, c activities.Call, in any) (Out, error) {
	t.Helper()
	var out Out
	raw, err := json.Marshal(in)
	kubetest.Must(t, err)
	result, err := d.Run(t.Context(), c, raw)
	if err != nil {
		return out, err
	}
	kubetest.Must(t, json.Unmarshal(result, &out))
	return out, nil
}

// onTheRealNode makes a pod of two containers that really run.
func onTheRealNode(t *testing.T, w *kubetest.World, adjust func(*corev1.Pod)) *corev1.Pod {
	t.Helper()
	lab := labenv.Load(t)
	if !lab.Nodes[0].Real {
		labenv.LeaveOut(t, "this lab has no real node")
	}
	const image = "docker.io/shop/web:1.4.2"
	pod := w.Pod(t, "web", nil, func(p *corev1.Pod) {
		grace := int64(0)
		p.Spec.NodeName, p.Spec.TerminationGracePeriodSeconds = lab.Nodes[0].Name, &grace
		p.Spec.Containers = []corev1.Container{
			{Name: "web", Image: image, ImagePullPolicy: corev1.PullIfNotPresent},
			{Name: "sidecar", Image: image, ImagePullPolicy: corev1.PullIfNotPresent, Command: []string{"/bin/sh", "-c", "sleep 3600; :", "#\nprocess x) 1 ("}},
		}
		if adjust != nil {
			adjust(p)
		}
	})
	kubetest.Eventually(t, "all containers to run", func() bool {
		var err error
		pod, err = w.Admin.CoreV1().Pods(w.Namespace).Get(t.Context(), "web", metav1.GetOptions{})
		kubetest.Must(t, err)
		return len(pod.Status.ContainerStatuses) == 2 && !slices.ContainsFunc(pod.Status.ContainerStatuses, func(s corev1.ContainerStatus) bool { return s.State.Running == nil })
	})
	return pod
}

func TestProcessesOfARealPod(t *testing.T) {
	t.Parallel()
	w := kubetest.New(t)
	pod, to := onTheRealNode(t, w, nil), store(t)
	d := live.Processes(w, to, live.Probe{})
	out, err := runAs[live.ProcessesOut](t, d, call(), live.ProcessesIn{Pod: ref(pod), To: "file://" + to.Root()})
	kubetest.Must(t, err)
	found := map[string]live.ContainerProcess{}
	for _, p := range out.Processes {
		found[p.Container+"/"+p.Name] = p
		if strings.Contains(strings.Join(p.Cmdline, " "), "/proc") {
			t.Errorf("it saw itself: %+v", p)
		}
	}
	server, sleeper := found["web/httpd"], found["sidecar/sh"]
	if server.Exe != "/bin/busybox" || server.Cwd != "/www" || server.UID != 0 || server.PPID == 0 || time.Since(server.Start).Abs() > time.Hour {
		t.Errorf("web server %+v of %+v", server, out)
	}
	if want := []string{"/bin/sh", "-c", "sleep 3600; :", "#\nprocess x) 1 ("}; sleeper.PID != 1 || !slices.Equal(sleeper.Cmdline, want) {
		t.Errorf("sleeper %+v", sleeper)
	}
	if len(out.Items) != 2 || len(out.Unseen) != 0 || out.Count != len(out.Processes) {
		t.Errorf("%+v", out)
	}
	again, err := runAs[live.ProcessesOut](t, d, call(), live.ProcessesIn{Pod: ref(pod)})
	kubetest.Must(t, err)
	if diff := cmp.Diff(out, again); diff != "" {
		t.Errorf("a second run (-first +second):\n%s", diff)
	}
	if n := ephemeral(t, w); n != 2 {
		t.Errorf("%d ephemeral containers for two runs and two containers", n)
	}
	wantDeclared(t, d, w)
}

func ephemeral(t *testing.T, w *kubetest.World) int {
	t.Helper()
	pod, err := w.Admin.CoreV1().Pods(w.Namespace).Get(t.Context(), "web", metav1.GetOptions{})
	kubetest.Must(t, err)
	return len(pod.Spec.EphemeralContainers)
}

func wantDeclared(t *testing.T, d activities.Definition, w *kubetest.World) {
	t.Helper()
	if diff := cmp.Diff(conformance.Names(d.Permissions), w.Tap.Used()); diff != "" {
		t.Errorf("permissions (-declared +used):\n%s", diff)
	}
}

// A worker that is killed after the ephemeral containers were added reads what they printed.
func TestASecondAttemptAddsNoSecondContainer(t *testing.T) {
	t.Parallel()
	w := kubetest.New(t)
	pod := onTheRealNode(t, w, nil)
	in := live.ProcessesIn{Pod: ref(pod)}
	first, err := runAs[live.ProcessesOut](t, live.Processes(w, store(t), live.Probe{}), call(), in)
	kubetest.Must(t, err)
	second, err := runAs[live.ProcessesOut](t, live.Processes(w, store(t), live.Probe{}), call(), in) // its evidence was lost
	kubetest.Must(t, err)
	if diff := cmp.Diff(first.Processes, second.Processes); diff != "" || ephemeral(t, w) != 2 {
		t.Errorf("%d ephemeral containers; (-first +second):\n%s", ephemeral(t, w), diff)
	}
}

func TestSocketsOfARealPod(t *testing.T) {
	t.Parallel()
	w := kubetest.New(t)
	pod := onTheRealNode(t, w, nil)
	d := live.Sockets(w, store(t), live.Probe{})
	out, err := runAs[live.SocketsOut](t, d, call(), live.SocketsIn{Pod: ref(pod)})
	kubetest.Must(t, err)
	i := slices.IndexFunc(out.Sockets, func(s live.Socket) bool { return s.State == "listen" && strings.HasSuffix(s.Local, ":8080") })
	if i < 0 || out.Sockets[i].PID == 0 || out.Sockets[i].Container != "web" || len(out.Items) != 2 {
		t.Errorf("%+v", out)
	}
	wantDeclared(t, d, w)
}

// A container that must not run as root is looked into by somebody who is not, either.
func TestARestrictedPodIsLookedInto(t *testing.T) {
	t.Parallel()
	w := kubetest.New(t)
	yes, no, user := true, false, int64(1234)
	restricted := &corev1.SecurityContext{
		RunAsNonRoot: &yes, RunAsUser: &user, AllowPrivilegeEscalation: &no, Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
	}
	namespace, err := w.Admin.CoreV1().Namespaces().Get(t.Context(), w.Namespace, metav1.GetOptions{})
	kubetest.Must(t, err)
	namespace.Labels["pod-security.kubernetes.io/enforce"] = "restricted"
	_, err = w.Admin.CoreV1().Namespaces().Update(t.Context(), namespace, metav1.UpdateOptions{})
	kubetest.Must(t, err)
	pod := onTheRealNode(t, w, func(p *corev1.Pod) {
		for i := range p.Spec.Containers {
			p.Spec.Containers[i].SecurityContext = restricted
			p.Spec.Containers[i].Command = []string{"/bin/sh", "-c", "exec sleep 3600"}
		}
	})
	out, err := runAs[live.ProcessesOut](t, live.Processes(w, store(t), live.Probe{}), call(), live.ProcessesIn{Pod: ref(pod)})
	kubetest.Must(t, err)
	if out.Count != 2 || out.Processes[0].UID != 1234 || out.Processes[0].Exe != "/bin/busybox" {
		t.Errorf("%+v", out)
	}
}

func TestALookThatCannotBe(t *testing.T) {
	t.Parallel()
	w := kubetest.New(t)
	pod := w.Pod(t, "web", nil, nil) // on a node that kwok plays, which starts nothing
	in := live.ProcessesIn{Pod: ref(pod)}
	hasty := live.Probe{Patience: 2 * time.Second}
	_, err := runAs[live.ProcessesOut](t, live.Processes(w, store(t), hasty), call(), in)
	if kind, _ := activities.KindOf(err); kind != activities.Unsupported || !strings.Contains(err.Error(), "did not start") {
		t.Errorf("on a played node: %v", err)
	}
	other := in
	other.Pod.UID = "00000000-0000-4000-8000-000000000000"
	_, err = runAs[live.ProcessesOut](t, live.Processes(w, store(t), hasty), call(), other)
	if kind, _ := activities.KindOf(err); kind != activities.NotFound {
		t.Errorf("of another pod: %v", err)
	}
	in.To = "s3://bucket"
	_, err = runAs[live.ProcessesOut](t, live.Processes(w, store(t), hasty), call(), in)
	if kind, _ := activities.KindOf(err); kind != activities.InvalidInput {
		t.Errorf("to another store: %v", err)
	}
}

func TestAnImageThatIsNotThereIsNoSuccess(t *testing.T) {
	t.Parallel()
	w := kubetest.New(t)
	pod := onTheRealNode(t, w, nil)
	p := live.Probe{Image: "registry.invalid/nothing:1", Patience: 4 * time.Second}
	_, err := runAs[live.ProcessesOut](t, live.Processes(w, store(t), p), call(), live.ProcessesIn{Pod: ref(pod)})
	if kind, _ := activities.KindOf(err); kind != activities.Unsupported || !strings.Contains(err.Error(), "tools.probeImage") {
		t.Errorf("got %v", err)
	}
}

func TestADryLookWritesNothing(t *testing.T) {
	t.Parallel()
	w := kubetest.New(t)
	pod, to := onTheRealNode(t, w, nil), store(t)
	c := call()
	c.DryRun = true
	out, err := runAs[live.ProcessesOut](t, live.Processes(w, to, live.Probe{}), c, live.ProcessesIn{Pod: ref(pod)})
	kubetest.Must(t, err)
	if len(out.Would) != 4 || ephemeral(t, w) != 0 || w.Tap.Writes() != 0 {
		t.Errorf("%+v; %d ephemeral containers, %d writes", out, ephemeral(t, w), w.Tap.Writes())
	}
}

func TestALookLacksAPermission(t *testing.T) {
	t.Parallel()
	w := kubetest.New(t)
	pod := onTheRealNode(t, w, nil)
	d := live.Processes(w, store(t), live.Probe{})
	for _, permission := range conformance.Names(d.Permissions) {
		lacking := live.Processes(cluster{w.Without(t, d.Permissions, permission)}, store(t), live.Probe{})
		c := call()
		c.Key = permission // its own ephemeral containers
		_, err := runAs[live.ProcessesOut](t, lacking, c, live.ProcessesIn{Pod: ref(pod)})
		if kind, _ := activities.KindOf(err); kind != activities.Forbidden || !strings.Contains(err.Error(), strings.Fields(permission)[1]) {
			t.Errorf("without %q: %v", permission, err)
		}
	}
}
