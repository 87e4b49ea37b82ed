package kube

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/firebreak-ir/firebreak/activities"
)

// IsolatePodIn says which pod is cut off.
type IsolatePodIn struct {
	Pod PodRef `json:"pod" doc:"The pod, as kube.identify_pod gives it in pods"`
}

// IsolatePodOut says what was done, and what it does not do.
type IsolatePodOut struct {
	activities.Result
	Policy       string            `json:"policy" doc:"Name of our NetworkPolicy"`
	PolicyUID    string            `json:"policyUID" doc:"UID of our NetworkPolicy; empty in a dry run"`
	Label        string            `json:"label" doc:"The label that only this pod carries and our policy selects"`
	Stripped     map[string]string `json:"stripped" doc:"Selector labels taken off the pod, kept in its annotation for undo"`
	Released     []string          `json:"released" doc:"Controllers and Services that let go of the pod"`
	Effective    bool              `json:"effective" doc:"Whether all policies together now deny the pod all ingress and egress"`
	StillAllowed []Allowance       `json:"stillAllowed" doc:"What policies of others, being additive, still allow"`
	Warnings     []string          `json:"warnings" doc:"What isolation does not cover here, in sentences"`
}

// IsolatePod cuts exactly one pod off the network and out of its workload.
func IsolatePod(c Cluster) activities.Definition {
	return activities.Define(activities.Activity[IsolatePodIn, IsolatePodOut]{
		Name:        "kube.isolate_pod",
		Summary:     "Denies one pod all ingress and egress by a policy of our own and takes it out of its controller and Services.",
		Effect:      activities.Change,
		Place:       activities.OnCluster,
		Targets:     []activities.TargetField{{Field: "pod", Kind: PodTarget}},
		Idempotency: "The policy's and the label's names follow from case and pod UID; what is there already is not written again.",
		Permissions: []activities.Permission{
			{Resource: "pods", Verbs: []string{"get", "patch"}, Why: "put our label on the pod and take its selector labels off, under an optimistic lock"},
			{Group: "networking.k8s.io", Resource: "networkpolicies", Verbs: []string{"get", "list", "create", "delete"},
				Why: "create and remove our own policy, and weigh those of others"},
			{Resource: "services", Verbs: []string{"list"}, Why: "find the Services that send the pod traffic"},
			{Group: "apps", Resource: "replicasets", Verbs: []string{"list"}, Why: "find the controllers that own the pod or would adopt it"},
			{Group: "apps", Resource: "statefulsets", Verbs: []string{"list"}, Why: "find the controllers that own the pod or would adopt it"},
			{Group: "apps", Resource: "daemonsets", Verbs: []string{"list"}, Why: "find the controllers that own the pod or would adopt it"},
			{Group: "batch", Resource: "jobs", Verbs: []string{"list"}, Why: "find the controllers that own the pod or would adopt it"},
			{Resource: "replicationcontrollers", Verbs: []string{"list"}, Why: "find the controllers that own the pod or would adopt it"},
		},
		Timeout: time.Minute,
		Example: "- id: isolate\n  phase: contain\n  uses: kube.isolate_pod\n  with:\n    pod: {namespace: shop, name: web-0, uid: 6d1f0c0e-5d6c-4a53-9b39-3f1f3d7a1c11}\n",
		Run: func(ctx context.Context, call activities.Call, in IsolatePodIn) (IsolatePodOut, error) {
			return isolatePod(ctx, c, call, in)
		},
		Undo: func(ctx context.Context, call activities.Call, in IsolatePodIn, _ IsolatePodOut) error {
			return releasePod(ctx, c, call, in)
		},
	})
}

// isolatePod creates the policy first, while it selects nothing yet: the pod then moves from its old policies to ours
// in one write, and is at no moment under none.
func isolatePod(ctx context.Context, c Cluster, call activities.Call, in IsolatePodIn) (IsolatePodOut, error) {
	k, err := connect(c)
	if err != nil {
		return IsolatePodOut{}, err
	}
	if _, err := getPod(ctx, k, in.Pod); err != nil {
		return IsolatePodOut{}, err
	}
	all, err := takers(ctx, k, in.Pod.Namespace)
	if err != nil {
		return IsolatePodOut{}, err
	}
	q := quarantine{call.Case, in.Pod}
	uid, created, err := q.ensurePolicy(ctx, k, call)
	if err != nil {
		return IsolatePodOut{}, err
	}
	out := IsolatePodOut{Policy: q.policyName(), Label: q.label()}
	if !call.DryRun {
		out.PolicyUID = uid
	} else if created {
		out.Would = append(out.Would, activities.Difference{
			Object: "networkpolicy/" + in.Pod.Namespace + "/" + q.policyName(), Field: "spec", To: "deny all ingress and egress of this pod"})
	}
	err = onConflict(func() error { return relabel(ctx, k, call, q, all, &out) })
	return out, err
}

func relabel(ctx context.Context, k kubernetes.Interface, call activities.Call, q quarantine, all []selecting, out *IsolatePodOut) error {
	pod, err := getPod(ctx, k, q.pod)
	if err != nil {
		return err
	}
	r, err := letGo(pod.Labels, all)
	if err != nil {
		return fmt.Errorf("isolate %s: %w", q.pod, err)
	}
	change, mark, err := q.apply(pod, r)
	if err != nil {
		return fmt.Errorf("isolate %s: %w", q.pod, err)
	}
	if !change.empty() {
		if err := patchPod(ctx, k, call, q.pod, pod, change); err != nil {
			return err
		}
	}
	if call.DryRun {
		out.Would = append(out.Would, change.would(q.pod.String(), pod)...)
	}
	out.Stripped, out.Released = mark.Stripped, orEmpty(mark.Released)
	return weigh(ctx, k, call, q, pod, r, out)
}

// weigh fills in what the isolation comes to.
func weigh(ctx context.Context, k kubernetes.Interface, call activities.Call, q quarantine, pod *corev1.Pod, r release, out *IsolatePodOut) error {
	policies, err := networkPolicies(ctx, k, q.pod.Namespace)
	if err != nil {
		return err
	}
	if call.DryRun {
		policies = append(policies, *q.policy())
	}
	after := maps.Clone(r.left)
	after[q.label()] = q.caseID
	e, err := effectiveFor(after, policies)
	if err != nil {
		return fmt.Errorf("isolate %s: %w", q.pod, err)
	}
	others, err := otherPolicies(ctx, k)
	if err != nil {
		return err
	}
	out.StillAllowed = orEmpty(e.allowed)
	out.Effective = e.denied() && !pod.Spec.HostNetwork
	out.Warnings = orEmpty(slices.Concat(e.open(), uncovered(pod, r, out.Released), others))
	summary := func(of IsolatePodOut) string { return isolationSummary(call, q.pod, of) }
	out.Status, out.Summary = activities.Done, summary(*out)
	out.fit(summary)
	return nil
}

// uncovered says what labels and policies cannot do for this pod.
func uncovered(pod *corev1.Pod, r release, released []string) []string {
	var why []string
	if pod.Spec.HostNetwork {
		why = append(why, "the pod uses its node's network: no NetworkPolicy applies to it; isolate the node or its instance instead")
	}
	for _, who := range r.still {
		why = append(why, who+" selects the pod even without its labels")
	}
	for _, owner := range pod.OwnerReferences {
		if owner.Kind == "StatefulSet" && slices.Contains(released, "StatefulSet "+owner.Name) {
			why = append(why, "StatefulSet "+owner.Name+" cannot replace the pod as long as one of its name exists")
		}
	}
	return why
}

func isolationSummary(call activities.Call, pod PodRef, out IsolatePodOut) string {
	verb := "isolated "
	switch {
	case call.DryRun:
		verb = "would isolate "
	case !out.Effective:
		verb = "NOT fully isolated: "
	}
	s := verb + pod.String() + " by policy " + out.Policy
	if len(out.Released) > 0 {
		s += "; released by " + strings.Join(out.Released, ", ")
	}
	if len(out.Warnings) > 0 {
		s += "; warning: " + strings.Join(out.Warnings, "; ")
	}
	return s
}

func releasePod(ctx context.Context, c Cluster, call activities.Call, in IsolatePodIn) error {
	k, err := connect(c)
	if err != nil {
		return err
	}
	q := quarantine{call.Case, in.Pod}
	err = onConflict(func() error {
		pod, err := findPod(ctx, k, in.Pod)
		if pod == nil {
			return err
		}
		change, err := q.restore(pod)
		if err != nil {
			return fmt.Errorf("release %s: %w", in.Pod, err)
		}
		if change.empty() {
			return nil
		}
		return patchPod(ctx, k, call, in.Pod, pod, change)
	})
	if err != nil {
		return err
	}
	return q.removePolicy(ctx, k, call)
}
