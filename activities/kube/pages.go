package kube

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// pageSize keeps one answer of a large cluster small.
const pageSize = 500

// pages asks for one page after the other; list gives where the next one begins.
func pages(list func(metav1.ListOptions) (next string, err error), options metav1.ListOptions) error {
	options.Limit = pageSize
	for {
		next, err := list(options)
		if err != nil || next == "" {
			return err
		}
		options.Continue = next
	}
}

func eachNode(ctx context.Context, k kubernetes.Interface, see func(*corev1.Node)) error {
	return pages(func(o metav1.ListOptions) (string, error) {
		list, err := k.CoreV1().Nodes().List(ctx, o)
		if err != nil {
			return "", request{verb: "list", resource: "nodes"}.explain(err)
		}
		for i := range list.Items {
			see(&list.Items[i])
		}
		return list.Continue, nil
	}, metav1.ListOptions{})
}

// eachPolicy visits the policies that we made.
func eachPolicy(ctx context.Context, k kubernetes.Interface, see func(*networkingv1.NetworkPolicy)) error {
	return pages(func(o metav1.ListOptions) (string, error) {
		list, err := k.NetworkingV1().NetworkPolicies("").List(ctx, o)
		if err != nil {
			return "", request{verb: "list", group: networkingv1.GroupName, resource: "networkpolicies"}.explain(err)
		}
		for i := range list.Items {
			see(&list.Items[i])
		}
		return list.Continue, nil
	}, metav1.ListOptions{LabelSelector: managedBy + "=" + FieldManager})
}
