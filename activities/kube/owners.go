package kube

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// Owner is one controller in the chain above a pod.
type Owner struct {
	Kind string `json:"kind" doc:"Such as ReplicaSet or Deployment"`
	Name string `json:"name" doc:"The owner's name"`
	UID  string `json:"uid" doc:"The owner's UID"`
}

// ownersOf follows the controller references from the pod up: its own controller first, the top one last.
func ownersOf(ctx context.Context, k kubernetes.Interface, pod *corev1.Pod) ([]Owner, error) {
	owners := []Owner{}
	for ref := metav1.GetControllerOf(pod); ref != nil; {
		owners = append(owners, Owner{Kind: ref.Kind, Name: ref.Name, UID: string(ref.UID)})
		next, err := above(ctx, k, pod.Namespace, ref)
		if err != nil {
			return owners, err
		}
		ref = next
	}
	return owners, nil
}

// above looks where Kubernetes itself stacks controllers: a ReplicaSet below a Deployment, a Job below a CronJob.
func above(ctx context.Context, k kubernetes.Interface, namespace string, ref *metav1.OwnerReference) (*metav1.OwnerReference, error) {
	var owner metav1.Object
	var err error
	r := request{verb: "get", namespace: namespace, name: ref.Name}
	switch ref.Kind {
	case "ReplicaSet":
		r.group, r.resource = "apps", "replicasets"
		owner, err = k.AppsV1().ReplicaSets(namespace).Get(ctx, ref.Name, metav1.GetOptions{})
	case "Job":
		r.group, r.resource = "batch", "jobs"
		owner, err = k.BatchV1().Jobs(namespace).Get(ctx, ref.Name, metav1.GetOptions{})
	default:
		return nil, nil
	}
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, r.explain(err)
	}
	if owner.GetUID() != ref.UID {
		return nil, nil
	}
	return metav1.GetControllerOf(owner), nil
}

// maxSiblings keeps the output small: a Deployment can have thousands of pods.
const maxSiblings = 50

// siblingsOf lists the other pods of the same controller.
func siblingsOf(ctx context.Context, k kubernetes.Interface, pod *corev1.Pod) (some []PodRef, count int, err error) {
	some = []PodRef{}
	own := metav1.GetControllerOf(pod)
	if own == nil {
		return some, 0, nil
	}
	err = eachPod(ctx, k, pod.Namespace, metav1.ListOptions{}, func(other *corev1.Pod) {
		ref := metav1.GetControllerOf(other)
		if ref == nil || ref.UID != own.UID || other.UID == pod.UID {
			return
		}
		if count++; count <= maxSiblings {
			some = append(some, refTo(other))
		}
	})
	return some, count, err
}

// eachPod goes through a list of any length page by page.
func eachPod(ctx context.Context, k kubernetes.Interface, namespace string, options metav1.ListOptions, visit func(*corev1.Pod)) error {
	options.Limit = 500
	for {
		page, err := k.CoreV1().Pods(namespace).List(ctx, options)
		if err != nil {
			return request{verb: "list", resource: "pods", namespace: namespace}.explain(err)
		}
		for i := range page.Items {
			visit(&page.Items[i])
		}
		if options.Continue = page.Continue; options.Continue == "" {
			return nil
		}
	}
}

func refTo(pod *corev1.Pod) PodRef {
	return PodRef{Namespace: pod.Namespace, Name: pod.Name, UID: string(pod.UID)}
}
