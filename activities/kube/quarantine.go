package kube

import (
	"context"
	"fmt"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/firebreak-ir/firebreak/activities"
)

const (
	quarantinePrefix = prefix + "quarantine-"
	caseLabel        = prefix + "case"
	podUIDAnnotation = prefix + "pod-uid"
	managedBy        = "app.kubernetes.io/managed-by"
)

// quarantine is everything that is named for one case and one pod: no two of them share a label or a policy, so none
// can isolate, or free, the pod of another.
type quarantine struct {
	caseID string
	pod    PodRef
}

func (q quarantine) token() string      { return token(q.caseID, q.pod.UID) }
func (q quarantine) label() string      { return quarantinePrefix + q.token() }
func (q quarantine) markKey() string    { return isolationMarkPrefix + q.token() }
func (q quarantine) policyName() string { return "firebreak-quarantine-" + q.token() }

func (q quarantine) request(verb string) request {
	return request{verb: verb, group: networkingv1.GroupName, resource: "networkpolicies", namespace: q.pod.Namespace, name: q.policyName()}
}

// policy denies all ingress and egress to what carries our label, which is one pod. It belongs to the pod, so that the
// cluster removes it when the pod is gone.
func (q quarantine) policy() *networkingv1.NetworkPolicy {
	return &networkingv1.NetworkPolicy{
		ObjectMeta: metav1.ObjectMeta{
			Name: q.policyName(), Namespace: q.pod.Namespace,
			Labels:      map[string]string{managedBy: FieldManager, caseLabel: q.caseID},
			Annotations: map[string]string{podUIDAnnotation: q.pod.UID},
			OwnerReferences: []metav1.OwnerReference{
				{APIVersion: "v1", Kind: "Pod", Name: q.pod.Name, UID: types.UID(q.pod.UID)},
			},
		},
		Spec: networkingv1.NetworkPolicySpec{
			PodSelector: metav1.LabelSelector{MatchLabels: map[string]string{q.label(): q.caseID}},
			PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress},
		},
	}
}

func (q quarantine) owns(p *networkingv1.NetworkPolicy) bool {
	return p.Labels[managedBy] == FieldManager && p.Labels[caseLabel] == q.caseID && p.Annotations[podUIDAnnotation] == q.pod.UID
}

// ensurePolicy looks before it creates. A policy of our name that is not ours, or is no longer what we wrote, is
// somebody's decision and stays as it is.
func (q quarantine) ensurePolicy(ctx context.Context, k kubernetes.Interface, call activities.Call) (uid string, created bool, err error) {
	found, err := q.findPolicy(ctx, k)
	if err != nil {
		return "", false, err
	}
	want := q.policy()
	if found == nil {
		made, err := k.NetworkingV1().NetworkPolicies(q.pod.Namespace).Create(ctx, want,
			metav1.CreateOptions{FieldManager: FieldManager, DryRun: dryRun(call)})
		if apierrors.IsAlreadyExists(err) {
			return "", false, fmt.Errorf("%s: made by another call a moment ago: %w", q.request("create"), err)
		}
		if err != nil {
			return "", false, q.request("create").explain(err)
		}
		return string(made.UID), true, nil
	}
	if !q.owns(found) || !equality.Semantic.DeepEqual(found.Spec, want.Spec) {
		return "", false, activities.Permanent(activities.Conflict,
			fmt.Errorf("networkpolicy %q exists and is not what this case wrote", q.pod.Namespace+"/"+found.Name),
			"look at who made it; Firebreak neither changes nor removes it")
	}
	return string(found.UID), false, nil
}

func (q quarantine) findPolicy(ctx context.Context, k kubernetes.Interface) (*networkingv1.NetworkPolicy, error) {
	found, err := k.NetworkingV1().NetworkPolicies(q.pod.Namespace).Get(ctx, q.policyName(), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, q.request("get").explain(err)
	}
	return found, nil
}

// removePolicy deletes our policy by its UID. Gone, or replaced by another of the same name, is done.
func (q quarantine) removePolicy(ctx context.Context, k kubernetes.Interface, call activities.Call) error {
	found, err := q.findPolicy(ctx, k)
	if err != nil || found == nil || !q.owns(found) {
		return err
	}
	err = k.NetworkingV1().NetworkPolicies(q.pod.Namespace).Delete(ctx, found.Name, metav1.DeleteOptions{
		Preconditions: &metav1.Preconditions{UID: &found.UID}, DryRun: dryRun(call),
	})
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil
	}
	return q.request("delete").explain(err)
}
