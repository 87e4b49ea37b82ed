package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/activities/kube/kubetest"
	"github.com/firebreak-ir/firebreak/internal/labenv"
	"github.com/firebreak-ir/firebreak/internal/stage"
	"github.com/firebreak-ir/firebreak/workflows"
	"github.com/firebreak-ir/firebreak/workflows/cases/casetest"
)

// TestTheRealNode plays what needs the lab's real node, one after another: there is one.
func TestTheRealNode(t *testing.T) {
	t.Parallel()
	t.Run("main job", mainJob)
	t.Run("worked example", workedExample)
}

// scenario makes a world of the lab's own scenario, with a namespace of Temporal to itself.
func scenario(t *testing.T) *world {
	t.Helper()
	lab := labenv.Load(t)
	own := kubetest.New(t)
	shop := *own // the same clients, in the scenario's namespace
	shop.Namespace = lab.Scenario.Namespace
	w := &world{World: &shop, t: t, lab: lab}
	var err error
	w.Stage, err = stage.New(stage.Options{
		Binary: binary(t), Dir: t.TempDir(), Evidence: filepath.Join(t.TempDir(), "cases"), Tracker: filepath.Join(t.TempDir(), "tickets"),
		Namespace: temporalNamespace(t, lab, own.Namespace), Lab: lab,
	})
	kubetest.Must(t, err)
	t.Cleanup(w.showLogs)
	return w
}

// mainJob plays the whole job on the lab's scenario: a real intrusion in a container of the real node, where the
// lab has one; the case; the evidence as other people's tools read it; and the undo.
func mainJob(t *testing.T) {
	w := scenario(t)
	w.receiver()
	w.worker()

	attack, alert := w.attack()
	before := w.stateOf(attack)
	id := w.accepted(alert).Case
	s := w.finished(id)
	if s.Outcome != "contained" || s.Alerts != 1 {
		t.Errorf("outcome %q, %d alerts", s.Outcome, s.Alerts)
	}
	w.contained(id, attack, before)
	w.verified(id)
	w.sums(id)
	w.replays(id)
	w.sawIt(s, attack)

	if out, err := w.Command(t.Context(), "undo", id).CombinedOutput(); err != nil {
		t.Fatalf("firebreak undo: %v\n%s", err, out)
	}
	if diff := cmp.Diff(before, w.stateOf(attack)); diff != "" {
		t.Errorf("after the undo (-before +after):\n%s", diff)
	}
	w.verified(id)
}

// attack has the lab break into a pod, and gives the alert of it.
func (w *world) attack() (labenv.Attack, []byte) {
	w.t.Helper()
	program, name := os.Getenv("FIREBREAK_LAB_PROGRAM"), os.Getenv("FIREBREAK_LAB_NAME")
	if program == "" {
		program = filepath.Join("..", "lab", "bin", "lab")
	}
	args := []string{"attack", "--output", "json"}
	if name != "" {
		args = append(args, "--name", name)
	}
	out, err := exec.CommandContext(w.t.Context(), program, args...).Output()
	if err != nil {
		w.t.Fatalf("lab attack: %v", err)
	}
	var done labenv.Scenario
	kubetest.Must(w.t, json.Unmarshal(out, &done))
	alert, err := os.ReadFile(done.Attack.Alert)
	kubetest.Must(w.t, err)
	return done.Attack, alert
}

// scene is all that an undo must restore, and all that no case may touch.
type scene struct {
	Pod, Node       metav1.ObjectMeta
	Unschedulable   bool
	Taints          []corev1.Taint
	Foreign, Canary string   // resource version of the foreign policy, and labels of the pod that shares the victim's
	Policies        []string // names
	Behind          bool     // the Service sends traffic to the pod
}

func (w *world) stateOf(attack labenv.Attack) scene {
	w.t.Helper()
	ctx, k := w.t.Context(), w.Admin
	pod, err := k.CoreV1().Pods(w.Namespace).Get(ctx, attack.Pod, metav1.GetOptions{})
	kubetest.Must(w.t, err)
	node, err := k.CoreV1().Nodes().Get(ctx, attack.Node, metav1.GetOptions{})
	kubetest.Must(w.t, err)
	foreign, err := k.NetworkingV1().NetworkPolicies(w.Namespace).Get(ctx, w.lab.Scenario.ForeignPolicy, metav1.GetOptions{})
	kubetest.Must(w.t, err)
	canary, err := k.CoreV1().Pods(w.Namespace).Get(ctx, w.lab.Scenario.BarePod, metav1.GetOptions{})
	kubetest.Must(w.t, err)
	s := scene{
		Pod: bare(pod.ObjectMeta), Node: bare(node.ObjectMeta), Unschedulable: node.Spec.Unschedulable,
		Foreign: foreign.ResourceVersion, Canary: metav1.FormatLabelSelector(metav1.SetAsLabelSelector(canary.Labels)),
		Behind: w.behind(k, attack.Pod),
	}
	for _, taint := range node.Spec.Taints {
		taint.TimeAdded = nil
		s.Taints = append(s.Taints, taint)
	}
	for _, p := range w.policies() {
		s.Policies = append(s.Policies, p.Name)
	}
	return s
}

// bare keeps of an object's metadata what people write: labels, annotations and owners.
func bare(m metav1.ObjectMeta) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: m.Name, UID: m.UID, Labels: m.Labels, Annotations: m.Annotations, OwnerReferences: m.OwnerReferences}
}

func (w *world) behind(k kubernetes.Interface, pod string) bool {
	w.t.Helper()
	traffic, err := k.DiscoveryV1().EndpointSlices(w.Namespace).List(w.t.Context(), metav1.ListOptions{LabelSelector: "kubernetes.io/service-name=" + w.lab.Scenario.Service})
	kubetest.Must(w.t, err)
	for _, s := range traffic.Items {
		for _, e := range s.Endpoints {
			if e.TargetRef != nil && e.TargetRef.Name == pod {
				return true
			}
		}
	}
	return false
}

func (w *world) contained(id string, attack labenv.Attack, before scene) {
	w.t.Helper()
	now := w.stateOf(attack)
	switch {
	case !now.Unschedulable:
		w.t.Error("the node is not cordoned")
	case now.Pod.Labels["firebreak/case"] != id || now.Node.Labels["firebreak/case"] != id:
		w.t.Errorf("the case is not on the pod and the node: %v, %v", now.Pod.Labels, now.Node.Labels)
	case now.Behind:
		w.t.Error("the Service still sends traffic to the isolated pod")
	case len(now.Policies) != len(before.Policies)+1:
		w.t.Errorf("policies %v, before %v", now.Policies, before.Policies)
	case now.Foreign != before.Foreign || now.Canary != before.Canary:
		w.t.Error("somebody else's object was touched")
	}
}

// sums checks the manifest with sha256sum.
func (w *world) sums(id string) {
	w.t.Helper()
	cmd := exec.CommandContext(w.t.Context(), "sha256sum", "--strict", "--quiet", "-c", "manifest-sha256.txt")
	cmd.Dir = w.evidenceOf(id)
	if out, err := cmd.CombinedOutput(); err != nil {
		w.t.Errorf("sha256sum -c: %v\n%s", err, out)
	}
}

// replays runs the exported history through today's interpreter.
func (w *world) replays(id string) {
	w.t.Helper()
	if err := casetest.Replay(filepath.Join(w.evidenceOf(id), "data", "history.json")); err != nil {
		w.t.Errorf("the exported history does not replay: %v", err)
	}
}

// sawIt checks that the analysis found what the intruder did, and that docker-explorer and our own reader agree.
func (w *world) sawIt(s workflows.State, attack labenv.Attack) {
	w.t.Helper()
	found := map[string]string{}
	var ours, theirs []string
	for _, step := range s.Steps {
		out, err := json.Marshal(step.Output)
		kubetest.Must(w.t, err)
		found[step.Activity] += string(out)
		switch step.Activity {
		case "forensics.list_containers":
			ours = dockerIDs(w.t, step)
		case "forensics.docker_explorer":
			theirs = dockerIDs(w.t, step)
		}
	}
	if diff := cmp.Diff(theirs, ours); diff != "" || len(theirs) == 0 {
		w.t.Errorf("Docker containers (-docker-explorer +ours):\n%s", diff)
	}
	if attack.Dropped == "" {
		return // a kwok node runs nothing: only its alert is real
	}
	if !strings.Contains(found["forensics.last_writes"], attack.SHA256) {
		w.t.Errorf("no finding has the SHA-256 of the dropped program %s: %s", attack.SHA256, found["forensics.last_writes"])
	}
	if !strings.Contains(found["forensics.list_containers"], attack.ContainerID) {
		w.t.Errorf("the attacked container %s is not among those on the disk", attack.ContainerID)
	}
}

// dockerIDs gives the ids of the Docker containers in a step's output, in order.
func dockerIDs(t *testing.T, step activities.StepRecord) []string {
	t.Helper()
	raw, err := json.Marshal(step.Output)
	kubetest.Must(t, err)
	var out struct {
		Containers []struct{ ID, Runtime string } `json:"containers"`
	}
	kubetest.Must(t, json.Unmarshal(raw, &out))
	var ids []string
	for _, c := range out.Containers {
		if c.Runtime == "" || c.Runtime == "docker" {
			ids = append(ids, c.ID)
		}
	}
	slices.Sort(ids)
	return ids
}
