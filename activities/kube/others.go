package kube

import (
	"context"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// otherPolicies says which further kinds of policy the cluster serves. They are not weighed, and some of them come
// before a NetworkPolicy: an AdminNetworkPolicy or a Calico policy can allow what ours denies.
func otherPolicies(ctx context.Context, k kubernetes.Interface) ([]string, error) {
	served, err := k.Discovery().ServerGroupsWithContext(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the cluster's API groups: %w", err)
	}
	var why []string
	for _, known := range []struct{ group, name string }{
		{"policy.networking.k8s.io", "AdminNetworkPolicy"},
		{"cilium.io", "Cilium"},
		{"crd.projectcalico.org", "Calico"},
		{"projectcalico.org", "Calico"},
		{"networking.k8s.aws", "Amazon VPC CNI"},
		{"crd.antrea.io", "Antrea"},
	} {
		if slices.ContainsFunc(served.Groups, func(g metav1.APIGroup) bool { return g.Name == known.group }) {
			why = append(why, fmt.Sprintf("the cluster also serves %s policies (%s), which are not weighed here", known.name, known.group))
		}
	}
	return why, nil
}
