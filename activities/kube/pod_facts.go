package kube

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Container is one container of a pod: init, ordinary or ephemeral.
type Container struct {
	Name        string `json:"name" doc:"The container's name"`
	Kind        string `json:"kind" doc:"init, container or ephemeral"`
	Image       string `json:"image" doc:"The image as the pod asks for it"`
	Digest      string `json:"digest" doc:"Digest of the image that runs, such as sha256:…; empty when the kubelet gave none"`
	ContainerID string `json:"containerID" doc:"The runtime's id of the container"`
	Runtime     string `json:"runtime" doc:"The runtime, such as containerd"`
	Restarts    int    `json:"restarts" doc:"How often it was restarted"`
	Running     bool   `json:"running" doc:"Whether it runs now"`
	Privileged  bool   `json:"privileged" doc:"Whether it is privileged"`
}

// containersOf gives all containers in the order of the pod's spec: init, ordinary, ephemeral.
func containersOf(pod *corev1.Pod) []Container {
	out := []Container{}
	for _, c := range pod.Spec.InitContainers {
		out = append(out, container("init", c, pod.Status.InitContainerStatuses))
	}
	for _, c := range pod.Spec.Containers {
		out = append(out, container("container", c, pod.Status.ContainerStatuses))
	}
	for _, c := range pod.Spec.EphemeralContainers {
		out = append(out, container("ephemeral", corev1.Container(c.EphemeralContainerCommon), pod.Status.EphemeralContainerStatuses))
	}
	return out
}

func container(kind string, c corev1.Container, statuses []corev1.ContainerStatus) Container {
	out := Container{Name: c.Name, Kind: kind, Image: c.Image, Privileged: privileged(c)}
	for _, s := range statuses {
		if s.Name != c.Name {
			continue
		}
		out.Runtime, out.ContainerID = cutID(s.ContainerID)
		out.Digest = digestOf(s.ImageID)
		out.Restarts, out.Running = int(s.RestartCount), s.State.Running != nil
	}
	return out
}

func privileged(c corev1.Container) bool {
	return c.SecurityContext != nil && c.SecurityContext.Privileged != nil && *c.SecurityContext.Privileged
}

// cutID takes containerd://45dd… apart.
func cutID(id string) (runtime, bare string) {
	runtime, bare, found := strings.Cut(id, "://")
	if !found {
		return "", id
	}
	return runtime, bare
}

// digestOf finds the digest in an image id such as docker.io/library/nginx@sha256:….
func digestOf(imageID string) string {
	if at := strings.LastIndex(imageID, "sha256:"); at >= 0 {
		return imageID[at:]
	}
	return ""
}

// knownIDs are the ids of the containers that run, and of those that ran just before.
func knownIDs(pod *corev1.Pod) []string {
	var ids []string
	for _, list := range [][]corev1.ContainerStatus{
		pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses, pod.Status.EphemeralContainerStatuses,
	} {
		for _, s := range list {
			_, id := cutID(s.ContainerID)
			ids = append(ids, id)
			if t := s.LastTerminationState.Terminated; t != nil {
				_, id := cutID(t.ContainerID)
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// hasContainer compares as Falco writes ids: cut to twelve digits.
func hasContainer(pod *corev1.Pod, id string) bool {
	_, id = cutID(id)
	for _, known := range knownIDs(pod) {
		if len(id) >= minContainerID && strings.HasPrefix(known, id) {
			return true
		}
	}
	return false
}

const minContainerID = 12

// cloudRole finds which cloud role the pod can take: EKS writes it into the containers' environment.
func cloudRole(pod *corev1.Pod) (role string, podIdentity bool) {
	for _, c := range pod.Spec.Containers {
		for _, e := range c.Env {
			switch e.Name {
			case "AWS_ROLE_ARN":
				role = e.Value
			case "AWS_CONTAINER_CREDENTIALS_FULL_URI":
				podIdentity = true
			}
		}
	}
	return role, podIdentity
}
