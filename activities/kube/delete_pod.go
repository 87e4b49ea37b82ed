package kube

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/firebreak-ir/firebreak/activities"
)

// DeletePodIn says which pods end.
type DeletePodIn struct {
	Pods        []PodRef `json:"pods" doc:"The pods, as kube.identify_pod gives them in pods, at most 100"`
	GracePeriod *int64   `json:"gracePeriod,omitempty" doc:"Seconds that each has to end by itself; the pod's own when left out, none when 0"`
}

// DeletePodOut says what became of them.
type DeletePodOut struct {
	activities.Result
	Deleted     []PodRef `json:"deleted" doc:"Those that this call had deleted"`
	Gone        []PodRef `json:"gone" doc:"Those that were gone, or whose name belonged to another pod by then"`
	Terminating []PodRef `json:"terminating" doc:"Of the deleted, those that had not ended after a minute beyond their grace period"`
}

// DeletePod deletes pods for good.
func DeletePod(c Cluster) activities.Definition {
	return activities.Define(activities.Activity[DeletePodIn, DeletePodOut]{
		Name:        "kube.delete_pod",
		Summary:     "Deletes pods by UID and waits until they have ended: what was in their memory and their own layers is lost.",
		Effect:      activities.Destroy,
		Place:       activities.OnCluster,
		Targets:     []activities.TargetField{{Field: "pods", Kind: PodTarget}},
		Idempotency: "A pod is deleted by its UID: one that is gone, or was replaced by another of its name, counts as done.",
		Permissions: []activities.Permission{
			{Resource: "pods", Verbs: []string{"get", "delete"}, Why: "delete the pods, and see that they are gone"},
		},
		Timeout:   5 * time.Minute,
		Heartbeat: 30 * time.Second,
		Example: `- id: processes
  phase: preserve
  uses: live.processes
  with: {pod: {namespace: shop, name: web-0, uid: 6d1f0c0e-5d6c-4a53-9b39-3f1f3d7a1c11}}
- id: kill
  phase: resolve
  requires: {evidence: [processes]}
  uses: kube.delete_pod
  with:
    pods: [{namespace: shop, name: web-0, uid: 6d1f0c0e-5d6c-4a53-9b39-3f1f3d7a1c11}]
`,
		Run: func(ctx context.Context, call activities.Call, in DeletePodIn) (DeletePodOut, error) {
			return deletePods(ctx, c, call, in)
		},
	})
}

// What one call takes.
const (
	maxDeleted    = 100
	endsWithin    = time.Minute // beyond the grace period
	longestGrace  = 3 * time.Minute
	lookForEndsAt = 500 * time.Millisecond
)

func (in DeletePodIn) check() error {
	switch {
	case len(in.Pods) == 0:
		return activities.Invalid(errors.New("no pods are given"), "pass `pods` of kube.identify_pod's output")
	case len(in.Pods) > maxDeleted:
		return activities.Invalid(fmt.Errorf("%d pods are more than %d", len(in.Pods), maxDeleted), "delete fewer in one step")
	case in.GracePeriod != nil && (*in.GracePeriod < 0 || *in.GracePeriod > int64(longestGrace.Seconds())):
		return activities.Invalid(fmt.Errorf("a grace period of %d s cannot be", *in.GracePeriod), fmt.Sprintf("give 0 to %d seconds", int(longestGrace.Seconds())))
	}
	for _, p := range in.Pods {
		if err := p.check(); err != nil {
			return err
		}
	}
	return nil
}

// deletePods goes on with the others where one cannot be deleted, and says so at the end.
func deletePods(ctx context.Context, c Cluster, call activities.Call, in DeletePodIn) (DeletePodOut, error) {
	if err := in.check(); err != nil {
		return DeletePodOut{}, err
	}
	k, err := connect(c)
	if err != nil {
		return DeletePodOut{}, err
	}
	out := DeletePodOut{Deleted: []PodRef{}, Gone: []PodRef{}, Terminating: []PodRef{}}
	grace, failed := time.Duration(0), []error(nil)
	for _, ref := range in.Pods {
		own, err := out.delete(ctx, k, call, ref, in.GracePeriod)
		if err != nil {
			failed = append(failed, err)
		}
		grace = max(grace, own)
	}
	if err := errors.Join(failed...); err != nil {
		return DeletePodOut{}, err
	}
	if call.DryRun {
		return out.would(), nil
	}
	if err := out.await(ctx, k, min(grace, longestGrace)+endsWithin); err != nil {
		return DeletePodOut{}, err
	}
	return out.conclude(), nil
}

// delete deletes one pod, and gives the time that it has to end by itself.
func (out *DeletePodOut) delete(ctx context.Context, k kubernetes.Interface, call activities.Call, ref PodRef, grace *int64) (time.Duration, error) {
	pod, err := findPod(ctx, k, ref)
	if err != nil {
		return 0, err
	}
	if pod == nil {
		out.Gone = append(out.Gone, ref)
		return 0, nil
	}
	uid := types.UID(ref.UID)
	options := metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}, GracePeriodSeconds: grace}
	if call.DryRun {
		options.DryRun = []string{metav1.DryRunAll}
	}
	err = k.CoreV1().Pods(ref.Namespace).Delete(ctx, ref.Name, options)
	switch {
	case apierrors.IsNotFound(err) || apierrors.IsConflict(err): // it ended, or was replaced, between the two requests
		out.Gone = append(out.Gone, ref)
		return 0, nil
	case err != nil:
		return 0, ref.request("delete").explain(err)
	}
	out.Deleted = append(out.Deleted, ref)
	if grace == nil {
		grace = pod.Spec.TerminationGracePeriodSeconds
	}
	return time.Duration(orZero(grace)) * time.Second, nil
}

// await looks until all are gone or the time is over.
func (out *DeletePodOut) await(ctx context.Context, k kubernetes.Interface, within time.Duration) error {
	left := slices.Clone(out.Deleted)
	for begun := time.Now(); len(left) > 0; {
		var still []PodRef
		for _, ref := range left {
			pod, err := findPod(ctx, k, ref)
			if err != nil {
				return err
			}
			if pod != nil {
				still = append(still, ref)
			}
		}
		if left = still; len(left) == 0 || time.Since(begun) > within {
			break
		}
		activities.Report(ctx, activities.Progress{Done: int64(len(out.Deleted) - len(left)), Total: int64(len(out.Deleted)), Unit: "pods", Message: "waiting until the pods have ended"})
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(lookForEndsAt):
		}
	}
	out.Terminating = orEmpty(left)
	return nil
}

func (out DeletePodOut) conclude() DeletePodOut {
	out.Status = activities.Done
	if len(out.Deleted) == 0 {
		out.Status = activities.Skipped
	}
	var words []string
	for _, part := range []struct {
		pods []PodRef
		what string
	}{{out.Deleted, "deleted "}, {out.Gone, "gone before: "}, {out.Terminating, "still ending: "}} {
		if len(part.pods) > 0 {
			words = append(words, part.what+namesOf(part.pods))
		}
	}
	out.Summary = strings.Join(words, "; ")
	return out
}

func namesOf(pods []PodRef) string {
	var names []string
	for _, p := range pods {
		names = append(names, p.String())
	}
	return strings.Join(names, ", ")
}

func (out DeletePodOut) would() DeletePodOut {
	out = out.conclude()
	for _, ref := range out.Deleted {
		out.Would = append(out.Would, activities.Difference{Object: ref.String(), Field: "pod", From: "UID " + ref.UID, To: "deleted"})
	}
	if len(out.Deleted) > 0 {
		out.Summary = "would have " + out.Summary
	}
	out.Deleted = []PodRef{}
	return out
}
