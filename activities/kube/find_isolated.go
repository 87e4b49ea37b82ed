package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/firebreak-ir/firebreak/activities"
)

// FindIsolatedIn is empty: the whole cluster is looked at.
type FindIsolatedIn struct{}

// Isolated is one containment that stands.
type Isolated struct {
	Kind      string `json:"kind" doc:"Kind of the object: Pod, NetworkPolicy or Node"`
	Namespace string `json:"namespace,omitempty" doc:"Its namespace"`
	Name      string `json:"name" doc:"Its name"`
	Mark      string `json:"mark" doc:"isolated, policy or cordoned"`
	Case      string `json:"case" doc:"The case whose change it is, by the mark; empty where the mark does not say"`
}

// FindIsolatedOut is what Firebreak has contained and not let go.
type FindIsolatedOut struct {
	activities.Result
	Found []Isolated `json:"found" doc:"What stands, at most 250"`
	More  int        `json:"more" doc:"How many more there are"`
}

// FindIsolated lists every containment of ours in a cluster.
func FindIsolated(c Cluster) activities.Definition {
	return activities.Define(activities.Activity[FindIsolatedIn, FindIsolatedOut]{
		Name:        "kube.find_isolated",
		Summary:     "Lists every pod, policy and node of the cluster that carries an isolation or cordon of Firebreak, with the case whose it is.",
		Effect:      activities.Read,
		Place:       activities.OnCluster,
		Idempotency: "It changes nothing.",
		Permissions: []activities.Permission{
			{Resource: "pods", Verbs: []string{"list"}, Why: "find pods that carry our quarantine label"},
			{Resource: "nodes", Verbs: []string{"list"}, Why: "find nodes that we cordoned"},
			{Group: "networking.k8s.io", Resource: "networkpolicies", Verbs: []string{"list"}, Why: "find the policies that we made"},
		},
		Timeout: 5 * time.Minute,
		Example: "- id: standing\n  phase: identify\n  uses: kube.find_isolated\n",
		Run: func(ctx context.Context, _ activities.Call, _ FindIsolatedIn) (FindIsolatedOut, error) {
			return findIsolated(ctx, c)
		},
	})
}

// maxFound keeps the output within what travels in a history.
const maxFound = 250

func findIsolated(ctx context.Context, c Cluster) (FindIsolatedOut, error) {
	k, err := connect(c)
	if err != nil {
		return FindIsolatedOut{}, err
	}
	var found []Isolated
	err = eachPod(ctx, k, "", metav1.ListOptions{}, func(p *corev1.Pod) { found = append(found, quarantined(p)...) })
	if err == nil {
		err = eachPolicy(ctx, k, func(p *networkingv1.NetworkPolicy) {
			found = append(found, Isolated{Kind: "NetworkPolicy", Namespace: p.Namespace, Name: p.Name, Mark: "policy", Case: p.Labels[caseLabel]})
		})
	}
	if err == nil {
		err = eachNode(ctx, k, func(n *corev1.Node) { found = append(found, cordons(n)...) })
	}
	if err != nil {
		return FindIsolatedOut{}, err
	}
	out := FindIsolatedOut{Found: orEmpty(found[:min(len(found), maxFound)]), More: max(len(found)-maxFound, 0)}
	out.Status, out.Summary = activities.Done, fmt.Sprintf("%d containments stand", len(found))
	return out, nil
}

// quarantined gives one entry for each case that isolates the pod.
func quarantined(p *corev1.Pod) []Isolated {
	var list []Isolated
	for _, key := range slices.Sorted(maps.Keys(p.Labels)) {
		if strings.HasPrefix(key, quarantinePrefix) {
			list = append(list, Isolated{Kind: PodTarget, Namespace: p.Namespace, Name: p.Name, Mark: "isolated", Case: p.Labels[key]})
		}
	}
	return list
}

// cordons gives one entry for each case that holds the node's cordon. A mark that does not decode names no case: somebody else
// has written it.
func cordons(n *corev1.Node) []Isolated {
	if !n.Spec.Unschedulable {
		return nil
	}
	var list []Isolated
	for _, key := range slices.Sorted(maps.Keys(n.Annotations)) {
		if !strings.HasPrefix(key, cordonMarkPrefix) {
			continue
		}
		var mark cordonMark
		if json.Unmarshal([]byte(n.Annotations[key]), &mark) != nil {
			mark.Case = ""
		}
		list = append(list, Isolated{Kind: NodeTarget, Name: n.Name, Mark: "cordoned", Case: mark.Case})
	}
	return list
}
