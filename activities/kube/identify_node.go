package kube

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/kubernetes"

	"github.com/firebreak-ir/firebreak/activities"
)

// IdentifyNodeIn is what an alert says about a node.
type IdentifyNodeIn struct {
	Node string `json:"node" doc:"The node's name, or the host name or address of a host-level alert"`
}

// IdentifyNodeOut is everything about one node that the later steps act on.
type IdentifyNodeOut struct {
	activities.Result
	Node     Node     `json:"node" doc:"The node"`
	Pods     []PodRef `json:"pods" doc:"The pods on it, at most 250"`
	PodCount int      `json:"podCount" doc:"How many pods are on it"`
	Warnings []string `json:"warnings" doc:"What a snapshot of its volumes will not hold, in sentences"`
}

// IdentifyNode finds the node that an alert is about.
func IdentifyNode(c Cluster) activities.Definition {
	return activities.Define(activities.Activity[IdentifyNodeIn, IdentifyNodeOut]{
		Name:        "kube.identify_node",
		Summary:     "Finds a node by name or host name, with its instance, runtime, taints and pods.",
		Effect:      activities.Read,
		Place:       activities.OnCluster,
		Idempotency: "It changes nothing.",
		Permissions: []activities.Permission{
			{Resource: "nodes", Verbs: []string{"get", "list"}, Why: "read the node, or find it by its host name"},
			{Resource: "pods", Verbs: []string{"list"}, Why: "list the pods on the node"},
		},
		Timeout: time.Minute,
		Example: "- id: host\n  phase: identify\n  uses: kube.identify_node\n  with: {node: \"${{ alert.target.node }}\"}\n",
		Run: func(ctx context.Context, _ activities.Call, in IdentifyNodeIn) (IdentifyNodeOut, error) {
			return identifyNode(ctx, c, in)
		},
	})
}

const maxPodsOfNode = 250

func identifyNode(ctx context.Context, c Cluster, in IdentifyNodeIn) (IdentifyNodeOut, error) {
	k, err := connect(c)
	if err != nil {
		return IdentifyNodeOut{}, err
	}
	node, err := searchNode(ctx, k, in.Node)
	if err != nil {
		return IdentifyNodeOut{}, err
	}
	out := IdentifyNodeOut{Node: nodeFacts(node), Pods: []PodRef{}, Warnings: []string{}}
	on := metav1.ListOptions{FieldSelector: fields.OneTermEqualSelector("spec.nodeName", node.Name).String()}
	err = eachPod(ctx, k, metav1.NamespaceAll, on, func(pod *corev1.Pod) {
		if out.PodCount++; out.PodCount <= maxPodsOfNode {
			out.Pods = append(out.Pods, refTo(pod))
		}
	})
	if err != nil {
		return IdentifyNodeOut{}, err
	}
	if instanceStore(out.Node.InstanceType) {
		out.Warnings = append(out.Warnings, fmt.Sprintf("instance type %s may have instance-store disks: no snapshot holds them", out.Node.InstanceType))
	}
	out.Status = activities.Done
	out.Summary = fmt.Sprintf("node %q is instance %q with %d pods", node.Name, out.Node.Instance, out.PodCount)
	return out, nil
}

// searchNode gives the node of that name, else the one node that has it as an address or host name.
func searchNode(ctx context.Context, k kubernetes.Interface, name string) (*corev1.Node, error) {
	if name == "" {
		return nil, activities.Invalid(errors.New("node name is empty"), "name the node or its host name")
	}
	if err := checkNames(name); err != nil {
		return nil, err
	}
	node, err := k.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
	if err == nil {
		return node, nil
	}
	if !apierrors.IsNotFound(err) {
		return nil, nodeRef{name: name}.request("get").explain(err)
	}
	list, err := k.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, request{verb: "list", resource: "nodes"}.explain(err)
	}
	return theOne(name, slices.DeleteFunc(list.Items, func(n corev1.Node) bool { return !answersTo(&n, name) }))
}

func theOne(name string, found []corev1.Node) (*corev1.Node, error) {
	switch len(found) {
	case 1:
		return &found[0], nil
	case 0:
		return nil, activities.Permanent(activities.NotFound, fmt.Errorf("no node has the name, host name or address %q", name),
			"check the name and the cluster")
	}
	return nil, activities.Invalid(fmt.Errorf("%d nodes have the host name or address %q", len(found), name), "name the node itself")
}

func answersTo(n *corev1.Node, name string) bool {
	if n.Labels[corev1.LabelHostname] == name {
		return true
	}
	return slices.ContainsFunc(n.Status.Addresses, func(a corev1.NodeAddress) bool { return a.Address == name })
}
