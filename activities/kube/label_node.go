package kube

import (
	"context"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
)

// LabelNodeIn says which node gets which labels.
type LabelNodeIn struct {
	Node   string            `json:"node" doc:"The node's name"`
	UID    string            `json:"uid,omitempty" doc:"The node's UID; when given, a node of the same name with another UID is not touched"`
	Labels map[string]string `json:"labels" doc:"Labels to set; others stay as they are"`
}

// LabelNode sets labels on one node.
func LabelNode(c Cluster) activities.Definition {
	return activities.Define(activities.Activity[LabelNodeIn, LabelOut]{
		Name:        "kube.label_node",
		Summary:     "Sets labels on one node and keeps their previous values on the node, for undo.",
		Effect:      activities.Change,
		Place:       activities.OnCluster,
		Targets:     []activities.TargetField{{Field: "node", Kind: NodeTarget}},
		Idempotency: "Labels that already have the wanted value are not written; the previous values are recorded by the first run alone.",
		Permissions: []activities.Permission{
			{Resource: "nodes", Verbs: []string{"get", "patch"}, Why: "read the labels, and write them under an optimistic lock"},
		},
		Timeout: time.Minute,
		Example: "- id: mark\n  phase: coordinate\n  uses: kube.label_node\n  with: {node: ip-10-0-1-23.ec2.internal, labels: {firebreak/case: \"${{ run.case }}\"}}\n",
		Run: func(ctx context.Context, call activities.Call, in LabelNodeIn) (LabelOut, error) {
			return label(ctx, c, call, nodeRef{in.Node, in.UID}, in.Labels)
		},
		Undo: func(ctx context.Context, call activities.Call, in LabelNodeIn, _ LabelOut) error {
			return unlabel(ctx, c, call, nodeRef{in.Node, in.UID}, in.Labels)
		},
	})
}
