package kube

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/firebreak-ir/firebreak/activities"
)

// The kinds of targets that guards know.
const (
	PodTarget      = "Pod"
	NodeTarget     = "Node"
	InstanceTarget = "Instance" // an EC2 instance: what holds for it is what holds for the node that it carries
)

// Target names one object that a step is about to change.
type Target struct {
	Kind      string `json:"kind" doc:"Pod, Node or Instance"`
	Namespace string `json:"namespace,omitempty" doc:"Namespace of a pod"`
	Name      string `json:"name" doc:"Its name; of an instance, its id"`
	UID       string `json:"uid,omitempty" doc:"Its UID; when given, another object of the same name does not count"`
}

// DescribeTargetsIn names the targets.
type DescribeTargetsIn struct {
	Targets []Target `json:"targets" doc:"The targets, at most 500"`
}

// TargetFacts is what guards look at.
type TargetFacts struct {
	Exists       bool              `json:"exists" doc:"Whether there is such an object"`
	Labels       map[string]string `json:"labels" doc:"Its labels; of an instance, those of its node"`
	ControlPlane bool              `json:"controlPlane" doc:"Whether it is a node of the control plane, or carries one"`
}

// DescribeTargetsOut describes them.
type DescribeTargetsOut struct {
	activities.Result
	Targets []TargetFacts `json:"targets" doc:"What is known of each, in the order of the question"`
	Nodes   int           `json:"nodes" doc:"How many nodes the cluster has; 0 when only pods were asked about"`
}

// DescribeTargets says of targets what the guards of a playbook look at.
func DescribeTargets(c Cluster) activities.Definition {
	return activities.Define(activities.Activity[DescribeTargetsIn, DescribeTargetsOut]{
		Name:        "kube.describe_targets",
		Summary:     "Says of pods, nodes and instances what guards look at: labels, whether they exist or belong to the control plane, and how many nodes there are.",
		Effect:      activities.Read,
		Place:       activities.OnCluster,
		Idempotency: "It changes nothing.",
		Permissions: []activities.Permission{
			{Resource: "pods", Verbs: []string{"get"}, Why: "read the labels of a pod that is to be changed"},
			{Resource: "nodes", Verbs: []string{"get", "list"}, Why: "read the labels of a node that is to be changed, count the nodes, and find the node of an instance"},
		},
		Timeout: time.Minute,
		Example: "- id: facts\n  phase: identify\n  uses: kube.describe_targets\n  with: {targets: [{kind: Node, name: ip-10-0-1-23.ec2.internal}]}\n",
		Run: func(ctx context.Context, _ activities.Call, in DescribeTargetsIn) (DescribeTargetsOut, error) {
			return describeTargets(ctx, c, in)
		},
	})
}

const maxTargets = 500

func describeTargets(ctx context.Context, c Cluster, in DescribeTargetsIn) (DescribeTargetsOut, error) {
	if len(in.Targets) > maxTargets {
		return DescribeTargetsOut{}, activities.Invalid(fmt.Errorf("%d targets are more than %d", len(in.Targets), maxTargets), "name fewer in one step")
	}
	k, err := connect(c)
	if err != nil {
		return DescribeTargetsOut{}, err
	}
	out := DescribeTargetsOut{Targets: make([]TargetFacts, len(in.Targets))}
	var others bool
	for i, t := range in.Targets {
		others = others || t.Kind != PodTarget
		if out.Targets[i], err = t.facts(ctx, k); err != nil {
			return DescribeTargetsOut{}, err
		}
	}
	if others {
		if out.Nodes, err = countNodes(ctx, k); err != nil {
			return DescribeTargetsOut{}, err
		}
	}
	out.Status, out.Summary = activities.Done, fmt.Sprintf("looked at %d targets", len(in.Targets))
	return out, nil
}

// facts are those of the target; of one that is not there, that it is not.
func (t Target) facts(ctx context.Context, k kubernetes.Interface) (TargetFacts, error) {
	switch t.Kind {
	case PodTarget:
		return t.podFacts(ctx, k)
	case NodeTarget:
		node, err := findNode(ctx, k, nodeRef{t.Name, t.UID})
		return factsOfNode(node), err
	case InstanceTarget:
		node, err := nodeOfInstance(ctx, k, t.Name)
		return factsOfNode(node), err
	}
	return TargetFacts{Labels: map[string]string{}}, nil // nothing here knows it: a drill is kept off it
}

// podFacts takes a pod by its name alone where no UID is given.
func (t Target) podFacts(ctx context.Context, k kubernetes.Interface) (TargetFacts, error) {
	none := TargetFacts{Labels: map[string]string{}}
	if err := checkNames(t.Namespace, t.Name); err != nil {
		return none, err
	}
	pod, err := k.CoreV1().Pods(t.Namespace).Get(ctx, t.Name, metav1.GetOptions{})
	err = PodRef{Namespace: t.Namespace, Name: t.Name}.request("get").explain(err)
	if kind, _ := activities.KindOf(err); kind == activities.NotFound {
		return none, nil
	}
	if err != nil || t.UID != "" && string(pod.UID) != t.UID {
		return none, err
	}
	return TargetFacts{Exists: true, Labels: orNone(pod.Labels)}, nil
}

func factsOfNode(node *corev1.Node) TargetFacts {
	if node == nil {
		return TargetFacts{Labels: map[string]string{}}
	}
	return TargetFacts{Exists: true, Labels: orNone(node.Labels), ControlPlane: controlPlane(node)}
}

// controlPlane goes by the labels that kubeadm and its like set; masters are what they were called before.
func controlPlane(node *corev1.Node) bool {
	for _, name := range []string{"node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"} {
		if _, is := node.Labels[name]; is {
			return true
		}
	}
	return false
}

func nodeOfInstance(ctx context.Context, k kubernetes.Interface, instance string) (*corev1.Node, error) {
	var found *corev1.Node
	err := eachNode(ctx, k, func(n *corev1.Node) {
		if instance != "" && instanceOf(n.Spec.ProviderID) == instance {
			found = n
		}
	})
	return found, err
}

func countNodes(ctx context.Context, k kubernetes.Interface) (int, error) {
	first, err := k.CoreV1().Nodes().List(ctx, metav1.ListOptions{Limit: 1})
	if err != nil {
		return 0, request{verb: "list", resource: "nodes"}.explain(err)
	}
	if first.RemainingItemCount != nil || first.Continue == "" {
		return len(first.Items) + int(orZero(first.RemainingItemCount)), nil
	}
	n := 0
	err = eachNode(ctx, k, func(*corev1.Node) { n++ })
	return n, err
}

func orZero(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}
