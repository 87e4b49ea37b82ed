package kube

import (
	"context"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
)

// LabelPodIn says which pod gets which labels.
type LabelPodIn struct {
	Pod    PodRef            `json:"pod" doc:"The pod, as kube.identify_pod gives it in pods"`
	Labels map[string]string `json:"labels" doc:"Labels to set; others stay as they are"`
}

// LabelPod sets labels on one pod.
func LabelPod(c Cluster) activities.Definition {
	return activities.Define(activities.Activity[LabelPodIn, LabelOut]{
		Name:        "kube.label_pod",
		Summary:     "Sets labels on one pod and keeps their previous values on the pod, for undo.",
		Effect:      activities.Change,
		Place:       activities.OnCluster,
		Targets:     []activities.TargetField{{Field: "pod", Kind: PodTarget}},
		Idempotency: "Labels that already have the wanted value are not written; the previous values are recorded by the first run alone.",
		Permissions: []activities.Permission{
			{Resource: "pods", Verbs: []string{"get", "patch"}, Why: "read the labels, and write them under an optimistic lock"},
		},
		Timeout: time.Minute,
		Example: "- id: mark\n  phase: coordinate\n  uses: kube.label_pod\n  with:\n    pod: {namespace: shop, name: web-0, uid: 6d1f0c0e-5d6c-4a53-9b39-3f1f3d7a1c11}\n    labels: {firebreak/case: \"${{ run.case }}\"}\n",
		Run: func(ctx context.Context, call activities.Call, in LabelPodIn) (LabelOut, error) {
			return label(ctx, c, call, in.Pod, in.Labels)
		},
		Undo: func(ctx context.Context, call activities.Call, in LabelPodIn, _ LabelOut) error {
			return unlabel(ctx, c, call, in.Pod, in.Labels)
		},
	})
}
