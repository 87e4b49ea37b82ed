package kube

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Node is what a playbook needs to know about a node.
type Node struct {
	Name          string            `json:"name" doc:"The node's name"`
	UID           string            `json:"uid" doc:"The node's UID"`
	ProviderID    string            `json:"providerID" doc:"The cloud's name of it, such as aws:///eu-central-1a/i-0abc"`
	Instance      string            `json:"instance" doc:"EC2 instance id, from the provider id; empty elsewhere"`
	InstanceType  string            `json:"instanceType" doc:"Such as m5d.large"`
	Zone          string            `json:"zone" doc:"Availability zone"`
	Hostname      string            `json:"hostname" doc:"The node's own host name"`
	InternalIP    string            `json:"internalIP" doc:"The address inside the cluster"`
	Unschedulable bool              `json:"unschedulable" doc:"Whether the node is cordoned"`
	Labels        map[string]string `json:"labels" doc:"The node's labels"`
	Runtime       string            `json:"runtime" doc:"Container runtime and version, such as containerd://2.4.2"`
	Kernel        string            `json:"kernel" doc:"Kernel version"`
	OSImage       string            `json:"osImage" doc:"Operating system image"`
	Kubelet       string            `json:"kubelet" doc:"Kubelet version"`
	Taints        []string          `json:"taints" doc:"Taints as key=value:effect"`
}

func nodeFacts(n *corev1.Node) Node {
	taints := make([]string, 0, len(n.Spec.Taints))
	for _, t := range n.Spec.Taints {
		taints = append(taints, t.ToString())
	}
	return Node{
		Name: n.Name, UID: string(n.UID), ProviderID: n.Spec.ProviderID, Instance: instanceOf(n.Spec.ProviderID),
		InstanceType: n.Labels[corev1.LabelInstanceTypeStable], Zone: n.Labels[corev1.LabelTopologyZone],
		Hostname: address(n, corev1.NodeHostName), InternalIP: address(n, corev1.NodeInternalIP),
		Unschedulable: n.Spec.Unschedulable, Labels: orNone(n.Labels), Taints: taints,
		Runtime: n.Status.NodeInfo.ContainerRuntimeVersion, Kernel: n.Status.NodeInfo.KernelVersion,
		OSImage: n.Status.NodeInfo.OSImage, Kubelet: n.Status.NodeInfo.KubeletVersion,
	}
}

func address(n *corev1.Node, kind corev1.NodeAddressType) string {
	for _, a := range n.Status.Addresses {
		if a.Type == kind {
			return a.Address
		}
	}
	return ""
}

// instanceOf reads aws:///eu-central-1a/i-0abc. What a provider id of another cloud ends in is no EC2 instance.
func instanceOf(providerID string) string {
	rest, aws := strings.CutPrefix(providerID, "aws://")
	id := rest[strings.LastIndexByte(rest, '/')+1:]
	if !aws || !strings.HasPrefix(id, "i-") {
		return ""
	}
	return id
}

// instanceStore tells whether an EC2 instance type may have disks that no snapshot holds: the storage families, those
// with a d after the generation (m5d, c6gd, r5dn), and the ones that have such disks without saying so in their name.
func instanceStore(instanceType string) bool {
	family, _, _ := strings.Cut(instanceType, ".")
	digit := strings.IndexAny(family, "0123456789")
	if digit < 0 {
		return false
	}
	return slices.Contains([]string{"i", "im", "is", "d", "h"}, family[:digit]) || strings.Contains(family[digit+1:], "d") ||
		slices.Contains([]string{"m3", "c3", "r3", "x1", "x1e", "f1", "g5", "g6", "g6e", "gr6", "p5", "p5e", "p5en", "trn1", "trn1n"}, family)
}

func orNone(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}
