package kube

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/firebreak-ir/firebreak/activities"
)

// LabelOut says what was labelled.
type LabelOut struct {
	activities.Result
	UID     string   `json:"uid" doc:"UID of the object that was labelled"`
	Changed []string `json:"changed" doc:"The labels whose value was changed, sorted"`
}

// labelTarget is one object that a step labels.
type labelTarget interface {
	fmt.Stringer
	read(ctx context.Context, k kubernetes.Interface) (metav1.Object, error)
	patch(ctx context.Context, k kubernetes.Interface, call activities.Call, read metav1.Object, c *change) error
}

func (p PodRef) read(ctx context.Context, k kubernetes.Interface) (metav1.Object, error) {
	return getPod(ctx, k, p)
}

func (p PodRef) patch(ctx context.Context, k kubernetes.Interface, call activities.Call, read metav1.Object, c *change) error {
	return patchPod(ctx, k, call, p, read, c)
}

func (n nodeRef) read(ctx context.Context, k kubernetes.Interface) (metav1.Object, error) {
	return getNode(ctx, k, n)
}

func (n nodeRef) patch(ctx context.Context, k kubernetes.Interface, call activities.Call, read metav1.Object, c *change) error {
	return patchNode(ctx, k, call, n, read, c)
}

func label(ctx context.Context, c Cluster, call activities.Call, target labelTarget, labels map[string]string) (LabelOut, error) {
	if err := checkLabels(labels); err != nil {
		return LabelOut{}, err
	}
	k, err := connect(c)
	if err != nil {
		return LabelOut{}, err
	}
	var out LabelOut
	err = onConflict(func() error {
		object, err := target.read(ctx, k)
		if err != nil {
			return err
		}
		change, err := setLabels(call.Case, object.GetLabels(), object.GetAnnotations(), labels)
		if err != nil {
			return fmt.Errorf("label %s: %w", target, err)
		}
		out = labelled(call, target.String(), object, change)
		if change.empty() {
			return nil
		}
		return target.patch(ctx, k, call, object, change)
	})
	return out, err
}

// unlabel gives the labels their previous values back. An object that is gone, or was replaced, has none of ours.
func unlabel(ctx context.Context, c Cluster, call activities.Call, target labelTarget, labels map[string]string) error {
	k, err := connect(c)
	if err != nil {
		return err
	}
	return onConflict(func() error {
		object, err := target.read(ctx, k)
		if kind, _ := activities.KindOf(err); kind == activities.NotFound {
			return nil
		}
		if err != nil {
			return err
		}
		change, err := restoreLabels(call.Case, object.GetLabels(), object.GetAnnotations(), labels)
		if err != nil {
			return fmt.Errorf("restore labels of %s: %w", target, err)
		}
		if change.empty() {
			return nil
		}
		return target.patch(ctx, k, call, object, change)
	})
}
