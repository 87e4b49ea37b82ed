package kube

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/firebreak-ir/firebreak/activities"
)

// VerifyIsolationIn says which pod's isolation is checked.
type VerifyIsolationIn struct {
	Pod     PodRef `json:"pod" doc:"The pod, as kube.identify_pod gives it in pods"`
	Require bool   `json:"require,omitempty" doc:"Fail when the pod is not isolated, with what is still open; otherwise the output says so"`
}

// VerifyIsolationOut says what is known about a pod's isolation.
type VerifyIsolationOut struct {
	activities.Result
	Verdict      string      `json:"verdict" doc:"proven, or not_proven with the reasons in why"`
	Isolated     bool        `json:"isolated" doc:"Whether, by policy, nothing may reach the pod and it may reach nothing, and no Service lists it"`
	Ingress      bool        `json:"ingressDenied" doc:"Whether all policies together allow no ingress"`
	Egress       bool        `json:"egressDenied" doc:"Whether all policies together allow no egress"`
	StillAllowed []Allowance `json:"stillAllowed" doc:"What policies still allow"`
	Endpoints    []string    `json:"endpoints" doc:"EndpointSlices that still list the pod"`
	Why          []string    `json:"why" doc:"Why the isolation is not proven, in sentences"`
}

// The verdicts of kube.verify_isolation.
const (
	Proven    = "proven"
	NotProven = "not_proven"
)

// VerifyIsolation looks again at what holds for one pod now.
func VerifyIsolation(c Cluster) activities.Definition {
	return activities.Define(activities.Activity[VerifyIsolationIn, VerifyIsolationOut]{
		Name:        "kube.verify_isolation",
		Summary:     "Recomputes, over all policies of the namespace and both directions, whether one pod is cut off, and says what is not proven.",
		Effect:      activities.Read,
		Place:       activities.OnCluster,
		Idempotency: "It changes nothing.",
		Permissions: []activities.Permission{
			{Resource: "pods", Verbs: []string{"get"}, Why: "read the pod's labels and whether it uses its node's network"},
			{Group: "networking.k8s.io", Resource: "networkpolicies", Verbs: []string{"list"}, Why: "add up every policy that selects the pod"},
			{Group: "discovery.k8s.io", Resource: "endpointslices", Verbs: []string{"list"}, Why: "see whether a Service still lists the pod"},
		},
		Timeout: time.Minute,
		Example: "- id: verify\n  phase: contain\n  uses: kube.verify_isolation\n  with:\n    pod: {namespace: shop, name: web-0, uid: 6d1f0c0e-5d6c-4a53-9b39-3f1f3d7a1c11}\n",
		Run: func(ctx context.Context, call activities.Call, in VerifyIsolationIn) (VerifyIsolationOut, error) {
			out, err := verifyIsolation(ctx, c, in)
			if err != nil || out.Isolated || !in.Require {
				return out, err
			}
			return required(call, out)
		},
	})
}

// required makes a failure of a pod that is not isolated: a case must not count as contained because of it. A dry run
// has isolated nothing, so there is nothing to fail.
func required(call activities.Call, out VerifyIsolationOut) (VerifyIsolationOut, error) {
	if call.DryRun {
		out.Status, out.Summary = activities.Skipped, "a dry run isolates nothing: there is nothing to verify"
		return out, nil
	}
	return VerifyIsolationOut{}, activities.Permanent(activities.Conflict, errors.New(out.Summary),
		"close what is named here, such as the policy of somebody else or the Service's selector, then retry; a pod on its node's network is isolated with its node")
}

func verifyIsolation(ctx context.Context, c Cluster, in VerifyIsolationIn) (VerifyIsolationOut, error) {
	k, err := connect(c)
	if err != nil {
		return VerifyIsolationOut{}, err
	}
	pod, err := getPod(ctx, k, in.Pod)
	if err != nil {
		return VerifyIsolationOut{}, err
	}
	policies, err := networkPolicies(ctx, k, in.Pod.Namespace)
	if err != nil {
		return VerifyIsolationOut{}, err
	}
	e, err := effectiveFor(pod.Labels, policies)
	if err != nil {
		return VerifyIsolationOut{}, fmt.Errorf("verify isolation of %s: %w", in.Pod, err)
	}
	endpoints, err := settledEndpoints(ctx, k, pod, e.denied())
	if err != nil {
		return VerifyIsolationOut{}, err
	}
	others, err := otherPolicies(ctx, k)
	if err != nil {
		return VerifyIsolationOut{}, err
	}
	return verdict(pod, in.Pod, e, endpoints, others), nil
}

// verdict never says proven: what policies say is known, what the network does is not, until somebody tries.
func verdict(pod *corev1.Pod, ref PodRef, e effective, endpoints, others []string) VerifyIsolationOut {
	out := VerifyIsolationOut{
		Verdict: NotProven, StillAllowed: orEmpty(e.allowed), Endpoints: orEmpty(endpoints),
		Ingress: e.ingress && !e.allows("ingress") && !pod.Spec.HostNetwork,
		Egress:  e.egress && !e.allows("egress") && !pod.Spec.HostNetwork,
		Why:     slices.Concat(e.open(), uncovered(pod, release{}, nil)),
	}
	for _, slice := range endpoints {
		out.Why = append(out.Why, fmt.Sprintf("EndpointSlice %q still lists the pod", slice))
	}
	out.Isolated = len(out.Why) == 0
	out.Why = append(out.Why, others...)
	out.Why = append(out.Why, "no probe: whether the cluster's network plugin enforces the policies, and cuts connections that were open before, was not tested")
	out.Status = activities.Done
	state := "is not isolated"
	if out.Isolated {
		state = "is isolated by policy and listed by no Service"
	}
	summary := func(of VerifyIsolationOut) string {
		return fmt.Sprintf("%s %s; not proven: %s", ref, state, strings.Join(of.Why, "; "))
	}
	out.Summary = summary(out)
	out.fit(summary)
	return out
}

// The cluster's controllers take a pod out of its EndpointSlices a moment after its labels are gone.
const (
	settleEvery = 500 * time.Millisecond
	settleTries = 20
)

// settledEndpoints is endpointsOf, but gives the controllers some seconds to take an isolated pod out.
func settledEndpoints(ctx context.Context, k kubernetes.Interface, pod *corev1.Pod, isolated bool) ([]string, error) {
	for tries := 1; ; tries++ {
		endpoints, err := endpointsOf(ctx, k, pod)
		if err != nil || len(endpoints) == 0 || !isolated || tries == settleTries {
			return endpoints, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(settleEvery):
		}
	}
}

// endpointsOf names the EndpointSlices that list the pod, by reference or, in a slice made by hand, by address.
func endpointsOf(ctx context.Context, k kubernetes.Interface, pod *corev1.Pod) ([]string, error) {
	list, err := k.DiscoveryV1().EndpointSlices(pod.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, request{verb: "list", group: discoveryv1.GroupName, resource: "endpointslices", namespace: pod.Namespace}.explain(err)
	}
	var out []string
	for _, slice := range list.Items {
		if slices.ContainsFunc(slice.Endpoints, func(e discoveryv1.Endpoint) bool { return lists(e, pod) }) {
			out = append(out, slice.Name)
		}
	}
	return out, nil
}

func lists(e discoveryv1.Endpoint, pod *corev1.Pod) bool {
	if e.TargetRef != nil && e.TargetRef.Kind == "Pod" {
		return e.TargetRef.UID == pod.UID
	}
	return slices.ContainsFunc(pod.Status.PodIPs, func(ip corev1.PodIP) bool { return slices.Contains(e.Addresses, ip.IP) })
}
