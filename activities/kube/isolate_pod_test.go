package kube_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/activities/conformance"
	"github.com/firebreak-ir/firebreak/activities/kube"
	"github.com/firebreak-ir/firebreak/activities/kube/kubetest"
)

func web() map[string]string { return map[string]string{"app": "web", "tier": "front"} }

// A bare pod behind a Service: no controller writes to it in between, so the state is exactly ours.
func TestIsolatePodConforms(t *testing.T) {
	t.Parallel()
	w := kubetest.New(t)
	w.Service(t, "web", map[string]string{"app": "web"})
	pod := w.Pod(t, "web", web(), nil)
	w.Pod(t, "bystander", web(), nil)
	conformance.Change(t, subject(w, kube.IsolatePod, kube.IsolatePodIn{Pod: ref(pod)}, podsState(w)))
}

// One pod of a Deployment is isolated. The ReplicaSet lets it go and replaces it, the Service drops it, and none of the
// others that share its labels is touched.
func TestIsolatePodTakesExactlyOne(t *testing.T) {
	t.Parallel()
	w := kubetest.New(t)
	w.Service(t, "web", map[string]string{"app": "web"})
	pods := w.Deployment(t, "web", web(), 3)
	target := pods[1]
	out := run[kube.IsolatePodOut](t, kube.IsolatePod(w), call(caseA), kube.IsolatePodIn{Pod: ref(&target)})
	if !out.Effective || len(out.StillAllowed) != 0 || len(out.Warnings) != 0 {
		t.Errorf("output %+v: want the isolation effective", out)
	}
	if want := []string{"ReplicaSet " + target.OwnerReferences[0].Name, "Service web"}; !slices.Equal(out.Released, want) {
		t.Errorf("released by %v, want %v", out.Released, want)
	}
	kubetest.Eventually(t, "the ReplicaSet to let go of the pod", func() bool {
		return metav1.GetControllerOf(w.Running(t, target.Name)) == nil
	})
	replaced := w.RunningPods(t, web(), 3)
	v := run[kube.VerifyIsolationOut](t, kube.VerifyIsolation(w), call(caseA), kube.VerifyIsolationIn{Pod: ref(&target)})
	if !v.Isolated || len(v.Endpoints) != 0 {
		t.Errorf("verdict %+v, want the pod isolated and dropped by its Service", v)
	}
	for _, pod := range replaced {
		if pod.UID == target.UID || pod.Labels[out.Label] != "" {
			t.Errorf("pod %s is in the workload and carries %v", pod.Name, pod.Labels)
		}
		v := run[kube.VerifyIsolationOut](t, kube.VerifyIsolation(w), call(caseA), kube.VerifyIsolationIn{Pod: ref(&pod)})
		if v.Isolated || v.Ingress || v.Egress {
			t.Errorf("pod %s, which nobody asked to isolate, is isolated: %+v", pod.Name, v)
		}
	}
	undo(t, kube.IsolatePod(w), call(caseA), kube.IsolatePodIn{Pod: ref(&target)})
	wantUntouched(t, w, &target)
}

// wantUntouched looks for anything that undo left behind. The ReplicaSet may meanwhile have deleted the pod as one too
// many: that is its right.
func wantUntouched(t *testing.T, w *kubetest.World, before *corev1.Pod) {
	t.Helper()
	state := podsState(w)(t)
	if strings.Contains(state, "firebreak") {
		t.Errorf("undo left something of ours behind:\n%s", state)
	}
	now, err := w.Admin.CoreV1().Pods(w.Namespace).Get(t.Context(), before.Name, metav1.GetOptions{})
	if err == nil && !maps.Equal(now.Labels, before.Labels) {
		t.Errorf("labels are %v, want %v", now.Labels, before.Labels)
	}
}

func TestIsolatePodSaysWhatOthersStillAllow(t *testing.T) {
	t.Parallel()
	w := kubetest.New(t)
	pod := w.Pod(t, "web", map[string]string{"app": "web"}, nil)
	foreign := makePolicy(t, w, "allow-dns", networkingv1.NetworkPolicySpec{
		PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeEgress},
		Egress: []networkingv1.NetworkPolicyEgressRule{{To: []networkingv1.NetworkPolicyPeer{
			{IPBlock: &networkingv1.IPBlock{CIDR: "10.96.0.10/32"}}}}},
	})
	in := kube.IsolatePodIn{Pod: ref(pod)}
	out := run[kube.IsolatePodOut](t, kube.IsolatePod(w), call(caseA), in)
	want := kube.Allowance{Policy: "allow-dns", Direction: "egress", Rule: "to 10.96.0.10/32 on every port"}
	if out.Effective || len(out.StillAllowed) != 1 || out.StillAllowed[0] != want {
		t.Errorf("output %+v, want it not effective because of %+v", out, want)
	}
	if !strings.Contains(out.Summary, "NOT fully isolated") || !strings.Contains(out.Summary, "allow-dns") {
		t.Errorf("summary %q hides that the pod is not isolated", out.Summary)
	}
	v := run[kube.VerifyIsolationOut](t, kube.VerifyIsolation(w), call(caseA), kube.VerifyIsolationIn{Pod: ref(pod)})
	if v.Isolated || !v.Ingress || v.Egress || v.Verdict != kube.NotProven {
		t.Errorf("verdict %+v, want ingress denied and egress not", v)
	}
	required := kube.VerifyIsolationIn{Pod: ref(pod), Require: true}
	_, err := tryRun[kube.VerifyIsolationOut](t, kube.VerifyIsolation(w), call(caseA), required)
	wantKind(t, err, activities.Conflict)
	if !strings.Contains(err.Error(), "allow-dns") {
		t.Errorf("the failure does not name the policy: %v", err)
	}
	rehearsal := call(caseA)
	rehearsal.DryRun = true
	if v := run[kube.VerifyIsolationOut](t, kube.VerifyIsolation(w), rehearsal, required); v.Status != activities.Skipped {
		t.Errorf("a dry run, which isolates nothing, verified: %+v", v)
	}
	undo(t, kube.IsolatePod(w), call(caseA), in)
	left, err := w.Admin.NetworkingV1().NetworkPolicies(w.Namespace).Get(t.Context(), "allow-dns", metav1.GetOptions{})
	kubetest.Must(t, err)
	if left.ResourceVersion != foreign.ResourceVersion {
		t.Error("somebody else's policy was written to")
	}
}

func makePolicy(t *testing.T, w *kubetest.World, name string, spec networkingv1.NetworkPolicySpec) *networkingv1.NetworkPolicy {
	t.Helper()
	made, err := w.Admin.NetworkingV1().NetworkPolicies(w.Namespace).Create(t.Context(),
		&networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: spec}, metav1.CreateOptions{})
	kubetest.Must(t, err)
	return made
}

// A policy of our name that somebody else made is neither used, nor changed, nor removed.
func TestIsolatePodRefusesAForeignPolicyOfItsName(t *testing.T) {
	t.Parallel()
	w := kubetest.New(t)
	pod := w.Pod(t, "web", map[string]string{"app": "web"}, nil)
	in := kube.IsolatePodIn{Pod: ref(pod)}
	dry := call(caseA)
	dry.DryRun = true
	name := run[kube.IsolatePodOut](t, kube.IsolatePod(w), dry, in).Policy
	makePolicy(t, w, name, networkingv1.NetworkPolicySpec{})
	before := podsState(w)(t)
	_, err := tryRun[kube.IsolatePodOut](t, kube.IsolatePod(w), call(caseA), in)
	wantKind(t, err, activities.Conflict)
	undo(t, kube.IsolatePod(w), call(caseA), in)
	if after := podsState(w)(t); after != before {
		t.Errorf("the namespace is\n%s\nwant\n%s", after, before)
	}
}

// Two cases isolate one pod. As long as one of them holds, the pod stays out of its Service.
func TestIsolatePodTwoCases(t *testing.T) {
	t.Parallel()
	w := kubetest.New(t)
	w.Service(t, "web", map[string]string{"app": "web"})
	pod := w.Pod(t, "web", web(), nil)
	in := kube.IsolatePodIn{Pod: ref(pod)}
	before := podsState(w)(t)
	for _, order := range [][]string{{caseA, caseB}, {caseB, caseA}} {
		run[kube.IsolatePodOut](t, kube.IsolatePod(w), call(caseA), in)
		run[kube.IsolatePodOut](t, kube.IsolatePod(w), call(caseB), in)
		undo(t, kube.IsolatePod(w), call(order[0]), in)
		if now := w.Running(t, "web"); now.Labels["app"] != "" {
			t.Errorf("undo of %s put the pod back while %s isolates it", order[0], order[1])
		}
		undo(t, kube.IsolatePod(w), call(order[1]), in)
		if after := podsState(w)(t); after != before {
			t.Errorf("undone in order %v the namespace is\n%s\nwant\n%s", order, after, before)
		}
	}
}

func TestIsolatePodUndoKeepsLaterLabels(t *testing.T) {
	t.Parallel()
	w := kubetest.New(t)
	w.Service(t, "web", map[string]string{"app": "web"})
	w.Service(t, "front", map[string]string{"tier": "front"})
	pod := w.Pod(t, "web", web(), nil)
	in := kube.IsolatePodIn{Pod: ref(pod)}
	run[kube.IsolatePodOut](t, kube.IsolatePod(w), call(caseA), in)
	setPod(t, w, "web", func(p *corev1.Pod) { p.Labels["tier"], p.Labels["note"] = "lab", "mine" })
	undo(t, kube.IsolatePod(w), call(caseA), in)
	want := maps.Clone(pod.Labels)
	want["tier"], want["note"] = "lab", "mine"
	if now := w.Running(t, "web"); !maps.Equal(now.Labels, want) {
		t.Errorf("labels are %v, want %v", now.Labels, want)
	}
}

func TestIsolatePodOnTheNodesNetworkSaysSo(t *testing.T) {
	t.Parallel()
	w := kubetest.New(t)
	pod := w.Pod(t, "agent", nil, func(p *corev1.Pod) { p.Spec.HostNetwork = true })
	out := run[kube.IsolatePodOut](t, kube.IsolatePod(w), call(caseA), kube.IsolatePodIn{Pod: ref(pod)})
	if out.Effective || !strings.Contains(out.Summary, "node's network") {
		t.Errorf("output %+v claims an isolation that no policy can give", out)
	}
	v := run[kube.VerifyIsolationOut](t, kube.VerifyIsolation(w), call(caseA), kube.VerifyIsolationIn{Pod: ref(pod)})
	if v.Isolated || v.Ingress || v.Egress {
		t.Errorf("verdict %+v, want not isolated", v)
	}
}

func TestIsolatePodWarnsAboutAStatefulSet(t *testing.T) {
	t.Parallel()
	w := kubetest.New(t)
	_, err := w.Admin.AppsV1().StatefulSets(w.Namespace).Create(t.Context(), &appsv1.StatefulSet{
		ObjectMeta: metav1.ObjectMeta{Name: "db"},
		Spec: appsv1.StatefulSetSpec{
			Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "db"}},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "db"}}, Spec: w.PodSpec()},
		},
	}, metav1.CreateOptions{})
	kubetest.Must(t, err)
	pod := w.RunningPods(t, map[string]string{"app": "db"}, 1)[0]
	out := run[kube.IsolatePodOut](t, kube.IsolatePod(w), call(caseA), kube.IsolatePodIn{Pod: ref(&pod)})
	if !out.Effective || len(out.Warnings) != 1 || !strings.Contains(out.Warnings[0], "StatefulSet db cannot replace") {
		t.Errorf("output %+v, want a warning that db-0 is not replaced", out)
	}
}

func TestIsolatePodDryRunSaysWhat(t *testing.T) {
	t.Parallel()
	w := kubetest.New(t)
	w.Service(t, "web", map[string]string{"app": "web"})
	pod := w.Pod(t, "web", web(), nil)
	dry := call(caseA)
	dry.DryRun = true
	out := run[kube.IsolatePodOut](t, kube.IsolatePod(w), dry, kube.IsolatePodIn{Pod: ref(pod)})
	got, err := json.MarshalIndent(out.Would, "", " ")
	kubetest.Must(t, err)
	if len(out.Would) != 3 || !out.Effective || out.PolicyUID != "" || !strings.HasPrefix(out.Summary, "would isolate") {
		t.Errorf("would do\n%s\nsummary %q, policy UID %q", got, out.Summary, out.PolicyUID)
	}
}

func TestIsolatePodThatIsGone(t *testing.T) {
	t.Parallel()
	w := kubetest.New(t)
	pod := w.Pod(t, "web", nil, nil)
	in := kube.IsolatePodIn{Pod: ref(pod)}
	run[kube.IsolatePodOut](t, kube.IsolatePod(w), call(caseA), in)
	kubetest.Must(t, w.Admin.CoreV1().Pods(w.Namespace).Delete(t.Context(), "web", metav1.DeleteOptions{}))
	kubetest.Eventually(t, "the pod to go", func() bool { return !strings.Contains(podsState(w)(t), "pod/web") })
	_, err := tryRun[kube.IsolatePodOut](t, kube.IsolatePod(w), call(caseB), in)
	wantKind(t, err, activities.NotFound)
	undo(t, kube.IsolatePod(w), call(caseA), in)
	if state := podsState(w)(t); state != "" {
		t.Errorf("undo left\n%s", state)
	}
}
