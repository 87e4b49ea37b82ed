package kube

import (
	"context"
	"maps"
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// selecting is an object whose label selector takes pods in: a Service, or a controller that owns or would adopt them.
type selecting struct {
	what     string // "ReplicaSet web-7d9f"
	selector *metav1.LabelSelector
}

// keys are the labels that the selector looks at. Without them it lets go of a pod.
func (s selecting) keys() []string {
	keys := slices.Collect(maps.Keys(s.selector.MatchLabels))
	for _, e := range s.selector.MatchExpressions {
		keys = append(keys, e.Key)
	}
	return keys
}

// takers lists what in the namespace selects pods: the controllers, which adopt a pod that nobody owns and may delete
// it as one too many, and the Services, which send it traffic.
func takers(ctx context.Context, k kubernetes.Interface, namespace string) ([]selecting, error) {
	var all []selecting
	for _, list := range []func(context.Context, kubernetes.Interface, string) ([]selecting, error){
		replicaSets, statefulSets, daemonSets, jobs, replicationControllers, services,
	} {
		some, err := list(ctx, k, namespace)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

func replicaSets(ctx context.Context, k kubernetes.Interface, namespace string) ([]selecting, error) {
	list, err := k.AppsV1().ReplicaSets(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, request{verb: "list", group: "apps", resource: "replicasets", namespace: namespace}.explain(err)
	}
	out := make([]selecting, 0, len(list.Items))
	for _, o := range list.Items {
		out = append(out, selecting{"ReplicaSet " + o.Name, o.Spec.Selector})
	}
	return out, nil
}

func statefulSets(ctx context.Context, k kubernetes.Interface, namespace string) ([]selecting, error) {
	list, err := k.AppsV1().StatefulSets(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, request{verb: "list", group: "apps", resource: "statefulsets", namespace: namespace}.explain(err)
	}
	out := make([]selecting, 0, len(list.Items))
	for _, o := range list.Items {
		out = append(out, selecting{"StatefulSet " + o.Name, o.Spec.Selector})
	}
	return out, nil
}

func daemonSets(ctx context.Context, k kubernetes.Interface, namespace string) ([]selecting, error) {
	list, err := k.AppsV1().DaemonSets(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, request{verb: "list", group: "apps", resource: "daemonsets", namespace: namespace}.explain(err)
	}
	out := make([]selecting, 0, len(list.Items))
	for _, o := range list.Items {
		out = append(out, selecting{"DaemonSet " + o.Name, o.Spec.Selector})
	}
	return out, nil
}

func jobs(ctx context.Context, k kubernetes.Interface, namespace string) ([]selecting, error) {
	list, err := k.BatchV1().Jobs(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, request{verb: "list", group: "batch", resource: "jobs", namespace: namespace}.explain(err)
	}
	out := make([]selecting, 0, len(list.Items))
	for _, o := range list.Items {
		out = append(out, selecting{"Job " + o.Name, o.Spec.Selector})
	}
	return out, nil
}

func replicationControllers(ctx context.Context, k kubernetes.Interface, namespace string) ([]selecting, error) {
	list, err := k.CoreV1().ReplicationControllers(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, request{verb: "list", resource: "replicationcontrollers", namespace: namespace}.explain(err)
	}
	out := make([]selecting, 0, len(list.Items))
	for _, o := range list.Items {
		out = append(out, selecting{"ReplicationController " + o.Name, &metav1.LabelSelector{MatchLabels: o.Spec.Selector}})
	}
	return out, nil
}

// services leaves out those without a selector: they select nothing, whereas an empty selector selects everything.
func services(ctx context.Context, k kubernetes.Interface, namespace string) ([]selecting, error) {
	list, err := k.CoreV1().Services(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, request{verb: "list", resource: "services", namespace: namespace}.explain(err)
	}
	var out []selecting
	for _, o := range list.Items {
		if len(o.Spec.Selector) > 0 {
			out = append(out, selecting{"Service " + o.Name, &metav1.LabelSelector{MatchLabels: o.Spec.Selector}})
		}
	}
	return out, nil
}

func networkPolicies(ctx context.Context, k kubernetes.Interface, namespace string) ([]networkingv1.NetworkPolicy, error) {
	list, err := k.NetworkingV1().NetworkPolicies(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, request{verb: "list", group: networkingv1.GroupName, resource: "networkpolicies", namespace: namespace}.explain(err)
	}
	return list.Items, nil
}
