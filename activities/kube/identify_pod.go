package kube

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/firebreak-ir/firebreak/activities"
)

// IdentifyPodIn is what an alert says about a pod. What it does not say is empty.
type IdentifyPodIn struct {
	Namespace   string    `json:"namespace" doc:"The pod's namespace, as the alert names it; may be empty when containerID is not"`
	Pod         string    `json:"pod" doc:"The pod's name, as the alert names it; may be empty when containerID is not"`
	UID         string    `json:"uid,omitempty" doc:"The pod's UID, when the alert knows it"`
	ContainerID string    `json:"containerID,omitempty" doc:"The id of the container, at least its first twelve digits, when the alert knows it"`
	Node        string    `json:"node,omitempty" doc:"The node's name or host name, when the alert knows it"`
	Seen        time.Time `json:"seen,omitzero" doc:"When the alert was seen: a pod that was created later, and does not run the alert's container, is another pod of the same name"`
}

// IdentifyPodOut is everything about one pod that the later steps act on.
type IdentifyPodOut struct {
	activities.Result
	Gone            bool        `json:"gone" doc:"Whether the pod exists no more; then only what the alert and the events say is filled in"`
	Namespace       string      `json:"namespace" doc:"The pod's namespace"`
	Name            string      `json:"name" doc:"The pod's name"`
	UID             string      `json:"uid" doc:"The pod's UID"`
	Pods            []PodRef    `json:"pods" doc:"This one pod, for foreach; empty when it is gone"`
	Phase           string      `json:"phase" doc:"Such as Running"`
	PodIP           string      `json:"podIP" doc:"The pod's address"`
	Owner           Owner       `json:"owner" doc:"The top controller, such as the Deployment; empty for a bare pod"`
	Owners          []Owner     `json:"owners" doc:"The chain of controllers from the pod up"`
	Siblings        []PodRef    `json:"siblings" doc:"Other pods of the same controller, at most 50"`
	SiblingCount    int         `json:"siblingCount" doc:"How many other pods the same controller has"`
	Node            string      `json:"node" doc:"Name of the node that the pod runs on; empty when the node is gone"`
	Host            Node        `json:"host" doc:"What is known of that node"`
	Containers      []Container `json:"containers" doc:"All containers: init, ordinary, ephemeral"`
	Volumes         []Volume    `json:"volumes" doc:"The pod's volumes, down to the disk"`
	EBSVolumes      []string    `json:"ebsVolumes" doc:"EBS volume ids of the pod's claims"`
	ServiceAccount  string      `json:"serviceAccount" doc:"The service account it runs as"`
	RoleARN         string      `json:"roleARN" doc:"The AWS role of the service account (IRSA)"`
	PodIdentity     bool        `json:"podIdentity" doc:"Whether EKS Pod Identity hands it credentials"`
	Services        []string    `json:"services" doc:"Services that select it"`
	Ingresses       []string    `json:"ingresses" doc:"Ingresses that lead to one of these Services"`
	NetworkPolicies []string    `json:"networkPolicies" doc:"NetworkPolicies that select it"`
	Privileged      bool        `json:"privileged" doc:"Whether any container is privileged"`
	HostPID         bool        `json:"hostPID" doc:"Whether it sees its node's processes"`
	HostNetwork     bool        `json:"hostNetwork" doc:"Whether it uses its node's network"`
	Events          []string    `json:"events" doc:"What the cluster remembers of a pod that is gone"`
	Warnings        []string    `json:"warnings" doc:"What may make this another pod than the alert's, in sentences"`
}

// IdentifyPod finds the pod that an alert is about.
func IdentifyPod(c Cluster) activities.Definition {
	get := []string{"get"}
	list := []string{"list"}
	return activities.Define(activities.Activity[IdentifyPodIn, IdentifyPodOut]{
		Name:        "kube.identify_pod",
		Summary:     "Finds the pod that an alert is about, by UID, with its owner, node, images, volumes, identity and exposure.",
		Effect:      activities.Read,
		Place:       activities.OnCluster,
		Idempotency: "It changes nothing.",
		Permissions: []activities.Permission{
			{Resource: "pods", Verbs: []string{"get", "list"}, Why: "read the pod, and find its siblings or the pod of a container id"},
			{Resource: "nodes", Verbs: []string{"get", "list"}, Why: "find the node's instance, by name or by host name"},
			{Resource: "events", Verbs: list, Why: "say where a pod ran that is gone"},
			{Resource: "serviceaccounts", Verbs: get, Why: "find the cloud role that the pod can take"},
			{Resource: "persistentvolumeclaims", Verbs: get, Why: "follow the pod's volumes to their disks"},
			{Resource: "persistentvolumes", Verbs: get, Why: "follow the pod's volumes to their disks"},
			{Resource: "services", Verbs: list, Why: "find what exposes the pod"},
			{Group: "networking.k8s.io", Resource: "ingresses", Verbs: list, Why: "find what exposes the pod"},
			{Group: "networking.k8s.io", Resource: "networkpolicies", Verbs: list, Why: "find the policies that select the pod"},
			{Group: "apps", Resource: "replicasets", Verbs: get, Why: "find the Deployment above"},
			{Group: "batch", Resource: "jobs", Verbs: get, Why: "find the CronJob above"},
		},
		Timeout: time.Minute,
		Example: "- id: scope\n  phase: identify\n  uses: kube.identify_pod\n  with: {namespace: \"${{ alert.target.namespace }}\", pod: \"${{ alert.target.pod }}\", seen: \"${{ alert.time }}\"}\n",
		Run: func(ctx context.Context, _ activities.Call, in IdentifyPodIn) (IdentifyPodOut, error) {
			return identifyPod(ctx, c, in)
		},
	})
}

func identifyPod(ctx context.Context, c Cluster, in IdentifyPodIn) (IdentifyPodOut, error) {
	k, err := connect(c)
	if err != nil {
		return IdentifyPodOut{}, err
	}
	pod, gone, err := searchPod(ctx, k, in)
	if err != nil {
		return IdentifyPodOut{}, err
	}
	if pod == nil {
		out, err := identifyGone(ctx, k, in, gone)
		return out, err
	}
	out := emptyPod(in)
	if err := out.fill(ctx, k, pod); err != nil {
		return IdentifyPodOut{}, err
	}
	if in.ContainerID != "" && !hasContainer(pod, in.ContainerID) {
		out.Warnings = append(out.Warnings, fmt.Sprintf("container %q of the alert is not among the containers that the pod runs or ran last: "+
			"it was restarted since, or this is another pod of the same name", in.ContainerID))
	}
	out.fit()
	return out, nil
}

// searchPod gives the pod, or nil and a sentence that says why there is none.
func searchPod(ctx context.Context, k kubernetes.Interface, in IdentifyPodIn) (*corev1.Pod, string, error) {
	if in.Namespace == "" || in.Pod == "" {
		return searchByContainer(ctx, k, in)
	}
	if err := checkNames(in.Namespace, in.Pod); err != nil {
		return nil, "", err
	}
	what := "pod/" + in.Namespace + "/" + in.Pod
	pod, err := k.CoreV1().Pods(in.Namespace).Get(ctx, in.Pod, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil, what + " is gone", nil
	case err != nil:
		return nil, "", PodRef{Namespace: in.Namespace, Name: in.Pod}.request("get").explain(err)
	case in.UID != "" && in.UID != string(pod.UID):
		return nil, fmt.Sprintf("%s with UID %q is gone; another pod has its name now (UID %q)", what, in.UID, pod.UID), nil
	case replaced(pod, in):
		return nil, fmt.Sprintf("%s is gone; another pod has its name now, created at %s, after the alert (UID %q)",
			what, pod.CreationTimestamp.UTC().Format(time.RFC3339), pod.UID), nil
	}
	return pod, "", nil
}

// skew is how far a node's clock and the API server's may be apart where no container id tells two pods apart.
const skew = time.Minute

// replaced tells a pod that took the alert's pod's name, as a StatefulSet's does: isolating it would cut off a healthy
// pod and call the incident contained.
func replaced(pod *corev1.Pod, in IdentifyPodIn) bool {
	switch {
	case in.Seen.IsZero() || in.UID != "":
		return false
	case len(in.ContainerID) < minContainerID:
		return pod.CreationTimestamp.After(in.Seen.Add(skew))
	}
	return pod.CreationTimestamp.After(in.Seen) && !hasContainer(pod, in.ContainerID)
}

func searchByContainer(ctx context.Context, k kubernetes.Interface, in IdentifyPodIn) (*corev1.Pod, string, error) {
	if len(in.ContainerID) < minContainerID {
		return nil, "", activities.Invalid(
			fmt.Errorf("the alert names neither a pod (namespace %q, pod %q) nor a whole container id (%q)", in.Namespace, in.Pod, in.ContainerID),
			"a host-level alert is a case for kube.identify_node")
	}
	var found *corev1.Pod
	err := eachPod(ctx, k, in.Namespace, metav1.ListOptions{}, func(pod *corev1.Pod) {
		if found == nil && hasContainer(pod, in.ContainerID) {
			found = pod.DeepCopy()
		}
	})
	return found, fmt.Sprintf("no pod has container %q", in.ContainerID), err
}
