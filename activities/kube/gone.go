package kube

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/kubernetes"
)

// podEvents gives what the cluster still remembers about pods of that name, oldest first. With a UID, only of that one.
func podEvents(ctx context.Context, k kubernetes.Interface, in IdentifyPodIn) ([]corev1.Event, error) {
	selector := fields.Set{"involvedObject.kind": "Pod", "involvedObject.name": in.Pod}
	if in.UID != "" {
		selector["involvedObject.uid"] = in.UID
	}
	list, err := k.CoreV1().Events(in.Namespace).List(ctx, metav1.ListOptions{FieldSelector: selector.AsSelector().String()})
	if err != nil {
		return nil, request{verb: "list", resource: "events", namespace: in.Namespace}.explain(err)
	}
	slices.SortStableFunc(list.Items, func(a, b corev1.Event) int { return when(a).Compare(when(b).Time) })
	return list.Items, nil
}

func when(e corev1.Event) *metav1.Time {
	if e.EventTime.IsZero() {
		return &e.LastTimestamp
	}
	return &metav1.Time{Time: e.EventTime.Time}
}

// maxEvents keeps the output small; the newest are kept.
const maxEvents = 20

// identifyGone says what is left to say about a pod that is no more: its node and UID stand in its events.
func identifyGone(ctx context.Context, k kubernetes.Interface, in IdentifyPodIn, why string) (IdentifyPodOut, error) {
	out := emptyPod(in)
	out.Gone = true
	out.Summary = why
	if in.Pod == "" || in.Namespace == "" {
		return out, out.locate(ctx, k, in.Node)
	}
	events, err := podEvents(ctx, k, in)
	if err != nil {
		return out, err
	}
	node := in.Node
	for _, e := range events[max(0, len(events)-maxEvents):] {
		out.Events = append(out.Events, fmt.Sprintf("%s %s: %s", when(e).UTC().Format("2006-01-02T15:04:05Z"), e.Reason, e.Message))
		if out.UID == "" {
			out.UID = string(e.InvolvedObject.UID)
		}
		if name := nodeFrom(e); node == "" && name != "" {
			node = name
		}
	}
	if len(events) == 0 {
		out.Summary += "; the cluster has no events of it any more"
	}
	return out, out.locate(ctx, k, node)
}

// nodeFrom finds the node in an event: the kubelet's own events carry its name as their source's host.
func nodeFrom(e corev1.Event) string {
	if e.Source.Host != "" {
		return e.Source.Host
	}
	if _, after, found := strings.Cut(e.Message, "Successfully assigned "+e.InvolvedObject.Namespace+"/"+e.InvolvedObject.Name+" to "); found {
		return after
	}
	return ""
}
