package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/firebreak-ir/firebreak/activities"
)

// change is the difference between an object as it was read and as it is wanted; nil values are removals.
type change struct {
	labels, annotations map[string]*string
	spec                map[string]any
}

func newChange() *change {
	return &change{labels: map[string]*string{}, annotations: map[string]*string{}, spec: map[string]any{}}
}

func (c *change) empty() bool { return len(c.labels)+len(c.annotations)+len(c.spec) == 0 }

// mergePatch is the change as a JSON merge patch that holds only for the version that was read: the optimistic lock.
func (c *change) mergePatch(read metav1.Object) ([]byte, error) {
	meta := map[string]any{"uid": read.GetUID(), "resourceVersion": read.GetResourceVersion()}
	if len(c.labels) > 0 {
		meta["labels"] = c.labels
	}
	if len(c.annotations) > 0 {
		meta["annotations"] = c.annotations
	}
	patch := map[string]any{"metadata": meta}
	if len(c.spec) > 0 {
		patch["spec"] = c.spec
	}
	return json.Marshal(patch)
}

// would lists the change for a dry run, sorted. Our bookkeeping annotations are left out: they are no change a person
// decides about.
func (c *change) would(object string, read metav1.Object) []activities.Difference {
	var out []activities.Difference
	for _, key := range slices.Sorted(maps.Keys(c.labels)) {
		d := activities.Difference{Object: object, Field: "metadata.labels[" + key + "]", From: read.GetLabels()[key]}
		if to := c.labels[key]; to != nil {
			d.To = *to
		}
		out = append(out, d)
	}
	for _, key := range slices.Sorted(maps.Keys(c.spec)) {
		out = append(out, activities.Difference{Object: object, Field: "spec." + key, To: fmt.Sprint(c.spec[key])})
	}
	return out
}

func patchPod(ctx context.Context, k kubernetes.Interface, call activities.Call, ref PodRef, read metav1.Object, c *change) error {
	body, err := c.mergePatch(read)
	if err != nil {
		return fmt.Errorf("patch %s: %w", ref, err)
	}
	_, err = k.CoreV1().Pods(ref.Namespace).Patch(ctx, ref.Name, types.MergePatchType, body, writing(call))
	return ref.request("patch").explain(err)
}

func patchNode(ctx context.Context, k kubernetes.Interface, call activities.Call, ref nodeRef, read metav1.Object, c *change) error {
	body, err := c.mergePatch(read)
	if err != nil {
		return fmt.Errorf("patch %s: %w", ref, err)
	}
	_, err = k.CoreV1().Nodes().Patch(ctx, ref.name, types.MergePatchType, body, writing(call))
	return ref.request("patch").explain(err)
}
