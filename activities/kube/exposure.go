package kube

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"
)

// exposure is through what a pod is reached, and by what policies it is bound.
type exposure struct{ services, ingresses, policies []string }

func exposureOf(ctx context.Context, k kubernetes.Interface, pod *corev1.Pod) (exposure, error) {
	e := exposure{services: []string{}, ingresses: []string{}, policies: []string{}}
	list, err := k.CoreV1().Services(pod.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return e, request{verb: "list", resource: "services", namespace: pod.Namespace}.explain(err)
	}
	for _, s := range list.Items {
		if len(s.Spec.Selector) > 0 && labels.SelectorFromSet(s.Spec.Selector).Matches(labels.Set(pod.Labels)) {
			e.services = append(e.services, s.Name)
		}
	}
	if e.ingresses, err = ingressesTo(ctx, k, pod.Namespace, e.services); err != nil {
		return e, err
	}
	policies, err := networkPolicies(ctx, k, pod.Namespace)
	if err != nil {
		return e, err
	}
	for _, p := range policies {
		selected, err := selects(&p.Spec.PodSelector, pod.Labels)
		if err != nil {
			return e, fmt.Errorf("policy %q: %w", p.Name, err)
		}
		if selected {
			e.policies = append(e.policies, p.Name)
		}
	}
	return e, nil
}

func ingressesTo(ctx context.Context, k kubernetes.Interface, namespace string, services []string) ([]string, error) {
	list, err := k.NetworkingV1().Ingresses(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, request{verb: "list", group: networkingv1.GroupName, resource: "ingresses", namespace: namespace}.explain(err)
	}
	out := []string{}
	for _, i := range list.Items {
		if slices.ContainsFunc(backends(i.Spec), func(s string) bool { return slices.Contains(services, s) }) {
			out = append(out, i.Name)
		}
	}
	return out, nil
}

// backends are the names of the Services that an Ingress sends to.
func backends(spec networkingv1.IngressSpec) []string {
	var out []string
	add := func(b *networkingv1.IngressBackend) {
		if b != nil && b.Service != nil {
			out = append(out, b.Service.Name)
		}
	}
	add(spec.DefaultBackend)
	for _, rule := range spec.Rules {
		if rule.HTTP == nil {
			continue
		}
		for _, path := range rule.HTTP.Paths {
			add(&path.Backend)
		}
	}
	return out
}
