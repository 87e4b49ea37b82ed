package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/firebreak-ir/firebreak/activities"
)

// CordonNodeIn says which node takes no new pods.
type CordonNodeIn struct {
	Node string `json:"node" doc:"The node's name"`
	UID  string `json:"uid,omitempty" doc:"The node's UID; when given, a node of the same name with another UID is not touched"`
}

// CordonNodeOut says whose cordon it is.
type CordonNodeOut struct {
	activities.Result
	UID   string `json:"uid" doc:"The node's UID"`
	Holds bool   `json:"holds" doc:"Whether this case holds the cordon; false when somebody else had cordoned the node"`
}

// CordonNode keeps new pods off one node.
func CordonNode(c Cluster) activities.Definition {
	return activities.Define(activities.Activity[CordonNodeIn, CordonNodeOut]{
		Name:        "kube.cordon_node",
		Summary:     "Cordons one node; undo uncordons it only if we cordoned it and no other case holds it.",
		Effect:      activities.Change,
		Place:       activities.OnCluster,
		Targets:     []activities.TargetField{{Field: "node", Kind: NodeTarget}},
		Idempotency: "A node that this case already holds is left as it is; one annotation a case names who holds the cordon.",
		Permissions: []activities.Permission{
			{Resource: "nodes", Verbs: []string{"get", "patch"}, Why: "read whether the node is cordoned and by whom, and cordon it under an optimistic lock"},
		},
		Timeout: time.Minute,
		Example: "- id: cordon\n  phase: contain\n  uses: kube.cordon_node\n  with: {node: ip-10-0-1-23.ec2.internal}\n",
		Run: func(ctx context.Context, call activities.Call, in CordonNodeIn) (CordonNodeOut, error) {
			return cordonNode(ctx, c, call, in)
		},
		Undo: func(ctx context.Context, call activities.Call, in CordonNodeIn, _ CordonNodeOut) error {
			return uncordonNode(ctx, c, call, in)
		},
	})
}

const cordonMarkPrefix = prefix + "cordon."

func cordonMarkKey(caseID string) string { return cordonMarkPrefix + token(caseID) }

type cordonMark struct {
	Case string `json:"case"`
}

func cordonNode(ctx context.Context, c Cluster, call activities.Call, in CordonNodeIn) (CordonNodeOut, error) {
	k, err := connect(c)
	if err != nil {
		return CordonNodeOut{}, err
	}
	var out CordonNodeOut
	err = onConflict(func() error {
		ref := nodeRef{in.Node, in.UID}
		node, err := getNode(ctx, k, ref)
		if err != nil {
			return err
		}
		change, err := cordonChange(call.Case, node)
		if err != nil {
			return err
		}
		out = cordoned(call, ref, node, change)
		if change.empty() {
			return nil
		}
		return patchNode(ctx, k, call, ref, node, change)
	})
	return out, err
}

// cordonChange cordons a free node, joins a cordon of ours, and leaves one of somebody else alone.
func cordonChange(caseID string, node *corev1.Node) (*change, error) {
	c := newChange()
	_, held := node.Annotations[cordonMarkKey(caseID)]
	if node.Spec.Unschedulable && (held || !ourCordon(node)) {
		return c, nil
	}
	if !node.Spec.Unschedulable {
		c.spec["unschedulable"] = true
	}
	return c, writeMark(c, cordonMarkKey(caseID), cordonMark{Case: caseID})
}

func cordoned(call activities.Call, ref nodeRef, node *corev1.Node, c *change) CordonNodeOut {
	_, held := node.Annotations[cordonMarkKey(call.Case)]
	out := CordonNodeOut{UID: string(node.UID), Holds: held || !c.empty()}
	out.Status = activities.Done
	switch {
	case !out.Holds:
		out.Status, out.Summary = activities.Skipped, ref.String()+" was already cordoned by somebody else; undo will leave it so"
	case c.empty():
		out.Summary = ref.String() + " is cordoned by this case"
	case call.DryRun && node.Spec.Unschedulable:
		out.Summary = ref.String() + " is cordoned by another case; this case would hold the cordon too"
	case call.DryRun:
		out.Would, out.Summary = c.would(ref.String(), node), "would cordon "+ref.String()
	case node.Spec.Unschedulable:
		out.Summary = ref.String() + " was cordoned by another case; this case now holds the cordon too"
	default:
		out.Summary = "cordoned " + ref.String()
	}
	return out
}

func uncordonNode(ctx context.Context, c Cluster, call activities.Call, in CordonNodeIn) error {
	k, err := connect(c)
	if err != nil {
		return err
	}
	return onConflict(func() error {
		ref := nodeRef{in.Node, in.UID}
		node, err := findNode(ctx, k, ref)
		if node == nil {
			return err
		}
		if _, held := node.Annotations[cordonMarkKey(call.Case)]; !held {
			return nil
		}
		if err := patchNode(ctx, k, call, ref, node, uncordonChange(call.Case, node)); err != nil {
			return fmt.Errorf("uncordon: %w", err)
		}
		return nil
	})
}

func uncordonChange(caseID string, node *corev1.Node) *change {
	c := newChange()
	c.annotations[cordonMarkKey(caseID)] = nil
	if node.Spec.Unschedulable && ourCordon(node) && holders(node) == 1 {
		c.spec["unschedulable"] = nil
	}
	return c
}

func holders(node *corev1.Node) int {
	n := 0
	for key := range node.Annotations {
		if strings.HasPrefix(key, cordonMarkPrefix) {
			n++
		}
	}
	return n
}

// ourCordon tells whether the cordon that stands is the one that we wrote. The API server keeps that in managedFields:
// somebody who uncordoned the node and cordoned it again has become the field's owner.
func ourCordon(node *corev1.Node) bool {
	if holders(node) == 0 {
		return false
	}
	for _, entry := range node.ManagedFields {
		if entry.Manager != FieldManager || entry.FieldsV1 == nil {
			continue
		}
		var fields struct {
			Spec map[string]json.RawMessage `json:"f:spec"`
		}
		if err := json.NewDecoder(entry.FieldsV1.GetRawReader()).Decode(&fields); err != nil {
			continue
		}
		if _, owned := fields.Spec["f:unschedulable"]; owned {
			return true
		}
	}
	return false
}
