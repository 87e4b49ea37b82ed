package live_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/activities/conformance"
	"github.com/firebreak-ir/firebreak/activities/kube/kubetest"
	"github.com/firebreak-ir/firebreak/activities/live"
	"github.com/firebreak-ir/firebreak/custody"
	"github.com/firebreak-ir/firebreak/internal/labenv"
)

const caseID = "pod-compromise-0a1b2c3d.4e5f6a7b"

func call() activities.Call {
	return activities.Call{Case: caseID, Step: "logs", Key: caseID + "/logs"}
}

func store(t *testing.T) *custody.Store {
	t.Helper()
	s, err := custody.Open(t.TempDir(), time.Now)
	kubetest.Must(t, err)
	return s
}

func run(t *testing.T, d activities.Definition, c activities.Call, in live.LogsIn) (live.LogsOut, error) {
	t.Helper()
	return runIn(t.Context(), t, d, c, in)
}

func runIn(ctx context.Context, t *testing.T, d activities.Definition, c activities.Call, in live.LogsIn) (live.LogsOut, error) {
	t.Helper()
	var out live.LogsOut
	raw, err := json.Marshal(in)
	kubetest.Must(t, err)
	result, err := d.Run(ctx, c, raw)
	if err != nil {
		return out, err
	}
	kubetest.Must(t, json.Unmarshal(result, &out))
	return out, nil
}

func ref(pod *corev1.Pod) live.PodRef {
	return live.PodRef{Namespace: pod.Namespace, Name: pod.Name, UID: string(pod.UID)}
}

// threeContainers is a pod with an init container and a container that was restarted once.
func threeContainers(t *testing.T, w *kubetest.World) *corev1.Pod {
	t.Helper()
	w.Pod(t, "web", nil, func(p *corev1.Pod) {
		p.Spec.InitContainers = []corev1.Container{{Name: "prepare", Image: "docker.io/library/busybox:1"}}
		p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Name: "sidecar", Image: "docker.io/library/busybox:1"})
	})
	var pod *corev1.Pod
	kubetest.Eventually(t, "the restart to be written", func() bool {
		var err error
		pod, err = w.Admin.CoreV1().Pods(w.Namespace).Get(t.Context(), "web", metav1.GetOptions{})
		kubetest.Must(t, err)
		pod.Status.ContainerStatuses[0].RestartCount = 1
		pod, err = w.Admin.CoreV1().Pods(w.Namespace).UpdateStatus(t.Context(), pod, metav1.UpdateOptions{})
		return err == nil
	})
	return pod
}

func TestLogsConform(t *testing.T) {
	t.Parallel()
	w := kubetest.New(t)
	pod := w.Pod(t, "web", nil, nil)
	s := store(t)
	conformance.Look(t, conformance.Subject{
		Activity: live.Logs(w, s), Tap: w.Tap, Call: call(), In: live.LogsIn{Pod: ref(pod)},
		State: func(t testing.TB) string {
			now, err := w.Admin.CoreV1().Pods(w.Namespace).Get(t.Context(), "web", metav1.GetOptions{})
			kubetest.Must(t, err)
			return now.ResourceVersion
		},
		Without: func(t testing.TB, permission string) activities.Definition {
			lacking := w.Without(t, live.Logs(nil, nil).Permissions, permission)
			empty, err := custody.Open(t.TempDir(), time.Now) // what is kept already is not read again
			kubetest.Must(t, err)
			return live.Logs(cluster{lacking}, empty)
		},
	})
}

type cluster struct{ k kubernetes.Interface }

func (c cluster) Kubernetes() (kubernetes.Interface, error) { return c.k, nil }

func TestLogsOfAllContainers(t *testing.T) {
	t.Parallel()
	w := kubetest.New(t)
	pod := threeContainers(t, w)
	s := store(t)
	out, err := run(t, live.Logs(w, s), call(), live.LogsIn{Pod: ref(pod)})
	kubetest.Must(t, err)
	var kept []string
	for _, l := range out.Logs {
		kept = append(kept, strings.TrimPrefix(l.Item.Path, "data/logs/"+w.Namespace+"/web-"+string(pod.UID)+"/"))
		wantIntact(t, s, l.Item)
	}
	if want := []string{"prepare.log", "web.log", "sidecar.log"}; !slices.Equal(kept, want) {
		t.Errorf("kept %q, want %q", kept, want)
	}
	// kwok answers for no previous run; it must be named all the same.
	if len(out.Unread) != 1 || !out.Unread[0].Previous || out.Unread[0].Container != "web" || out.Unread[0].Why == "" {
		t.Errorf("unread %+v, want the previous run of web", out.Unread)
	}
	again, err := run(t, live.Logs(w, s), call(), live.LogsIn{Pod: ref(pod)})
	kubetest.Must(t, err)
	if !slices.Equal(again.Logs, out.Logs) {
		t.Errorf("the second run gave %+v, the first %+v", again.Logs, out.Logs)
	}
}

// wantIntact compares the file with its hash, and looks for the timestamps in it.
func wantIntact(t *testing.T, s *custody.Store, item custody.Item) {
	t.Helper()
	c, err := s.Case(caseID)
	kubetest.Must(t, err)
	name, err := c.Path(item.Path)
	kubetest.Must(t, err)
	raw, err := os.ReadFile(name)
	kubetest.Must(t, err)
	if sum := sha256.Sum256(raw); hex.EncodeToString(sum[:]) != item.SHA256 || int64(len(raw)) != item.Size || item.Size == 0 {
		t.Errorf("%s: %d bytes do not match %+v", item.Path, len(raw), item)
	}
	first, _, _ := strings.Cut(string(raw), " ")
	if _, err := time.Parse(time.RFC3339Nano, first); err != nil {
		t.Errorf("%s begins with %q: want a timestamp", item.Path, first)
	}
}

// A pod that is not on any node yet has no logs: each of its containers is named, and nothing is claimed.
func TestLogsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	w := kubetest.New(t)
	spec := w.PodSpec()
	spec.NodeName, spec.SchedulingGates = "", []corev1.PodSchedulingGate{{Name: "firebreak.test/never"}}
	pod, err := w.Admin.CoreV1().Pods(w.Namespace).Create(t.Context(), &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web"}, Spec: spec}, metav1.CreateOptions{})
	kubetest.Must(t, err)
	out, err := run(t, live.Logs(w, store(t)), call(), live.LogsIn{Pod: ref(pod)})
	kubetest.Must(t, err)
	if out.Status != activities.Skipped || len(out.Unread) != 1 || out.Unread[0].Container != "web" || !strings.Contains(out.Summary, "could not read: web") {
		t.Errorf("output %+v: want the container named and nothing claimed", out)
	}
}

// A kubelet that does not answer may come back: that is an error to retry, not a log that does not exist.
func TestLogsFromADeadKubelet(t *testing.T) {
	t.Parallel()
	w := kubetest.New(t)
	pod := w.Pod(t, "web", nil, nil)
	kubetest.Eventually(t, "the node's kubelet port to be written", func() bool {
		node, err := w.Admin.CoreV1().Nodes().Get(t.Context(), w.Node, metav1.GetOptions{})
		kubetest.Must(t, err)
		node.Status.DaemonEndpoints.KubeletEndpoint.Port = 1
		_, err = w.Admin.CoreV1().Nodes().UpdateStatus(t.Context(), node, metav1.UpdateOptions{})
		return err == nil
	})
	_, err := run(t, live.Logs(w, store(t)), call(), live.LogsIn{Pod: ref(pod)})
	if kind, permanent := activities.KindOf(err); err == nil || permanent {
		t.Errorf("error %v (kind %q), want one that is retried", err, kind)
	}
}

func TestLogsOfAnotherPod(t *testing.T) {
	t.Parallel()
	w := kubetest.New(t)
	pod := ref(w.Pod(t, "web", nil, nil))
	pod.UID = "another"
	_, err := run(t, live.Logs(w, store(t)), call(), live.LogsIn{Pod: pod})
	if kind, _ := activities.KindOf(err); kind != activities.NotFound {
		t.Errorf("error %v, want NotFound", err)
	}
	pod.Name = "../secrets/x"
	_, err = run(t, live.Logs(w, store(t)), call(), live.LogsIn{Pod: pod})
	if kind, _ := activities.KindOf(err); kind != activities.InvalidInput {
		t.Errorf("error %v, want InvalidInput", err)
	}
}

func TestLogsDryRunKeepsNothing(t *testing.T) {
	t.Parallel()
	w := kubetest.New(t)
	pod := threeContainers(t, w)
	s := store(t)
	dry := call()
	dry.DryRun = true
	out, err := run(t, live.Logs(w, s), dry, live.LogsIn{Pod: ref(pod)})
	kubetest.Must(t, err)
	if len(out.Would) != 4 || len(out.Logs) != 0 {
		t.Errorf("would keep %+v, kept %+v", out.Would, out.Logs)
	}
	if entries, err := os.ReadDir(s.Root()); err != nil || len(entries) != 0 {
		t.Errorf("a dry run left %v (%v)", entries, err)
	}
}

type noted struct{ last activities.Progress }

func (n *noted) Report(p activities.Progress)      { n.last = p }
func (n *noted) Last() (activities.Progress, bool) { return activities.Progress{}, false }

func TestLogsReportProgress(t *testing.T) {
	t.Parallel()
	w := kubetest.New(t)
	pod := w.Pod(t, "web", nil, nil)
	n := &noted{}
	_, err := runIn(activities.WithReporter(t.Context(), n), t, live.Logs(w, store(t)), call(), live.LogsIn{Pod: ref(pod)})
	kubetest.Must(t, err)
	if n.last.Done == 0 || n.last.Unit != "bytes" {
		t.Errorf("reported %+v", n.last)
	}
}

// A container of the lab's real node that failed once has a previous run; one whose image does not exist has no log.
func TestLogsFromTheRealNode(t *testing.T) {
	t.Parallel()
	lab := labenv.Load(t)
	if !slices.ContainsFunc(lab.Nodes, func(n labenv.Node) bool { return n.Real && n.Name == lab.Scenario.Node }) {
		labenv.LeaveOut(t, "this lab runs without root and has no real node")
	}
	w := kubetest.New(t)
	pod := failing(t, w, lab)
	s := store(t)
	out, err := run(t, live.Logs(w, s), call(), live.LogsIn{Pod: ref(pod)})
	kubetest.Must(t, err)
	var got []string
	for _, l := range out.Logs {
		got = append(got, l.Container)
		wantIntact(t, s, l.Item)
	}
	if !slices.Equal(got, []string{"fails", "fails"}) || !out.Logs[0].Previous || out.Logs[1].Previous {
		t.Fatalf("kept %+v, unread %+v, want both runs of the failing container", out.Logs, out.Unread)
	}
	if out.Logs[0].Item.SHA256 == out.Logs[1].Item.SHA256 {
		t.Error("both runs have one log")
	}
	if len(out.Unread) != 1 || out.Unread[0].Container != "absent" {
		t.Errorf("unread %+v, want the container that never started", out.Unread)
	}
}

func failing(t *testing.T, w *kubetest.World, lab labenv.Lab) *corev1.Pod {
	t.Helper()
	// Of the pods with that image, the one that no test attacks and evicts.
	workload, err := w.Admin.CoreV1().Pods(lab.Scenario.Namespace).Get(t.Context(), lab.Scenario.BarePod, metav1.GetOptions{})
	kubetest.Must(t, err)
	none, now := false, int64(0)
	spec := corev1.PodSpec{
		NodeName: lab.Scenario.Node, AutomountServiceAccountToken: &none, TerminationGracePeriodSeconds: &now,
		Containers: []corev1.Container{
			{Name: "fails", Image: workload.Spec.Containers[0].Image, ImagePullPolicy: corev1.PullNever,
				Command:      []string{"/bin/sh", "-c", "test -e /data/failed && echo again && exec sleep 3600; echo first; touch /data/failed; exit 1"},
				VolumeMounts: []corev1.VolumeMount{{Name: "data", MountPath: "/data"}}},
			{Name: "absent", Image: "localhost/there-is-no-such-image:1", ImagePullPolicy: corev1.PullNever},
		},
		Volumes: []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}},
	}
	_, err = w.Admin.CoreV1().Pods(w.Namespace).Create(t.Context(), &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "fails"}, Spec: spec}, metav1.CreateOptions{})
	kubetest.Must(t, err)
	var pod *corev1.Pod
	kubetest.Eventually(t, "the container to run again", func() bool {
		pod, err = w.Admin.CoreV1().Pods(w.Namespace).Get(t.Context(), "fails", metav1.GetOptions{})
		kubetest.Must(t, err)
		return slices.ContainsFunc(pod.Status.ContainerStatuses, func(s corev1.ContainerStatus) bool {
			return s.RestartCount > 0 && s.State.Running != nil
		})
	})
	return pod
}
