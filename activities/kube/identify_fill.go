package kube

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/firebreak-ir/firebreak/activities"
)

func emptyPod(in IdentifyPodIn) IdentifyPodOut {
	out := IdentifyPodOut{
		Namespace: in.Namespace, Name: in.Pod, UID: in.UID, Pods: []PodRef{}, Owners: []Owner{}, Siblings: []PodRef{},
		Containers: []Container{}, Volumes: []Volume{}, EBSVolumes: []string{}, Services: []string{}, Ingresses: []string{},
		NetworkPolicies: []string{}, Events: []string{}, Warnings: []string{},
	}
	out.Host.Labels, out.Host.Taints = map[string]string{}, []string{}
	out.Status = activities.Done
	return out
}

// fill reads everything about a pod that exists. What only describes it, and the worker may not read, is a warning: it
// must not keep the pod from being isolated.
func (out *IdentifyPodOut) fill(ctx context.Context, k kubernetes.Interface, pod *corev1.Pod) error {
	out.describe(pod)
	for _, look := range []func(context.Context, kubernetes.Interface, *corev1.Pod) error{
		out.lookUp, out.lookBeside, out.lookAround, out.lookBelow, out.lookAtIdentity,
	} {
		if err := out.tolerate(look(ctx, k, pod)); err != nil {
			return err
		}
	}
	if err := out.locate(ctx, k, pod.Spec.NodeName); err != nil {
		return err
	}
	owner := "no controller"
	if out.Owner.Kind != "" {
		owner = out.Owner.Kind + " " + out.Owner.Name
	}
	out.Summary = fmt.Sprintf("%s (UID %s) of %s runs on node %q, instance %q", refTo(pod), pod.UID, owner, out.Node, out.Host.Instance)
	return nil
}

func (out *IdentifyPodOut) describe(pod *corev1.Pod) {
	out.Namespace, out.Name, out.UID = pod.Namespace, pod.Name, string(pod.UID)
	out.Pods = []PodRef{refTo(pod)}
	out.Phase, out.PodIP = string(pod.Status.Phase), pod.Status.PodIP
	out.ServiceAccount = pod.Spec.ServiceAccountName
	out.HostPID, out.HostNetwork = pod.Spec.HostPID, pod.Spec.HostNetwork
	out.Containers = containersOf(pod)
	for _, c := range out.Containers {
		out.Privileged = out.Privileged || c.Privileged
	}
}

// tolerate turns a look-up that is forbidden into a warning that names the permission.
func (out *IdentifyPodOut) tolerate(err error) error {
	if kind, _ := activities.KindOf(err); kind != activities.Forbidden {
		return err
	}
	out.Warnings = append(out.Warnings, "not looked up: "+err.Error())
	return nil
}

func (out *IdentifyPodOut) lookUp(ctx context.Context, k kubernetes.Interface, pod *corev1.Pod) error {
	owners, err := ownersOf(ctx, k, pod)
	if n := len(owners); n > 0 {
		out.Owners, out.Owner = owners, owners[n-1]
	}
	return err
}

func (out *IdentifyPodOut) lookBeside(ctx context.Context, k kubernetes.Interface, pod *corev1.Pod) (err error) {
	out.Siblings, out.SiblingCount, err = siblingsOf(ctx, k, pod)
	return err
}

func (out *IdentifyPodOut) lookAround(ctx context.Context, k kubernetes.Interface, pod *corev1.Pod) error {
	e, err := exposureOf(ctx, k, pod)
	out.Services, out.Ingresses, out.NetworkPolicies = e.services, e.ingresses, e.policies
	return err
}

func (out *IdentifyPodOut) lookBelow(ctx context.Context, k kubernetes.Interface, pod *corev1.Pod) (err error) {
	out.Volumes, err = volumesOf(ctx, k, pod) // those that were reached before an error stay
	for _, v := range out.Volumes {
		if v.EBSVolume != "" {
			out.EBSVolumes = append(out.EBSVolumes, v.EBSVolume)
		}
	}
	return err
}

func (out *IdentifyPodOut) lookAtIdentity(ctx context.Context, k kubernetes.Interface, pod *corev1.Pod) error {
	out.RoleARN, out.PodIdentity = cloudRole(pod)
	account, err := k.CoreV1().ServiceAccounts(pod.Namespace).Get(ctx, pod.Spec.ServiceAccountName, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return request{verb: "get", resource: "serviceaccounts", namespace: pod.Namespace, name: pod.Spec.ServiceAccountName}.explain(err)
	}
	if out.RoleARN == "" {
		out.RoleARN = account.Annotations["eks.amazonaws.com/role-arn"]
	}
	return nil
}

// locate fills in the node, by name or by the host name that an alert carries. A node that is gone stays empty, as
// nothing can be done to it, and is named in a warning.
func (out *IdentifyPodOut) locate(ctx context.Context, k kubernetes.Interface, name string) error {
	if name == "" {
		return nil
	}
	node, err := searchNode(ctx, k, name)
	if kind, _ := activities.KindOf(err); kind == activities.NotFound {
		out.Warnings = append(out.Warnings, fmt.Sprintf("node %q is gone", name))
		return nil
	}
	if err != nil {
		return err
	}
	out.Host = nodeFacts(node)
	out.Node = out.Host.Name
	return nil
}
