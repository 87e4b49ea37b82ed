package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// Build is one build of a Temporal worker deployment. A case is pinned to the build it began on; without a name there are no
// builds, and every worker takes every case.
type Build struct {
	Deployment string
	ID         string
}

func (b Build) options() worker.DeploymentOptions {
	if b.Deployment == "" {
		return worker.DeploymentOptions{}
	}
	return worker.DeploymentOptions{
		UseVersioning:             true,
		Version:                   worker.WorkerDeploymentVersion{DeploymentName: b.Deployment, BuildID: b.ID},
		DefaultVersioningBehavior: workflow.VersioningBehaviorPinned,
	}
}

// registering is how long Temporal may take to know a build whose worker polls.
const registering = 30 * time.Second

// first makes the worker's build the current one where its deployment has none: new cases would wait for a promotion that
// nobody knows of. A failure is said and is no reason to stop: cases that are pinned to the build go on.
func (w *Worker) first(ctx context.Context) error {
	b := w.config.Build
	if b.Deployment == "" || !slices.Contains(w.config.Roles, Interpreter) {
		return nil
	}
	current, err := w.promoteFirst(ctx)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		w.config.Log.Error("the deployment's current build is not known; see `firebreak deployment list`",
			"deployment", b.Deployment, "build", b.ID, "error", err)
	case current == b.ID:
		w.config.Log.Info("this build takes new cases", "deployment", b.Deployment, "build", b.ID)
	default:
		w.config.Log.Info("this build takes its own cases only, until `firebreak deployment promote`",
			"deployment", b.Deployment, "build", b.ID, "current", current)
	}
	return nil
}

// promoteFirst gives the build that is current afterwards. Of two first workers the second finds the first one's build.
func (w *Worker) promoteFirst(ctx context.Context) (string, error) {
	ctx, done := context.WithTimeout(ctx, registering)
	defer done()
	for {
		current, err := w.tryFirst(ctx)
		if err == nil || !early(err) {
			return current, err
		}
		if pause(ctx, 300*time.Millisecond) != nil {
			return "", err
		}
	}
}

func (w *Worker) tryFirst(ctx context.Context) (string, error) {
	b := w.config.Build
	handle := w.config.Client.WorkerDeploymentClient().GetHandle(b.Deployment)
	now, err := handle.Describe(ctx, client.WorkerDeploymentDescribeOptions{})
	if err != nil {
		return "", fmt.Errorf("describe deployment %q: %w", b.Deployment, err)
	}
	if current := now.Info.RoutingConfig.CurrentVersion; current != nil {
		return current.BuildID, nil
	}
	_, err = handle.SetCurrentVersion(ctx, client.WorkerDeploymentSetCurrentVersionOptions{BuildID: b.ID, ConflictToken: now.ConflictToken})
	if err != nil {
		return "", fmt.Errorf("promote build %q: %w", b.ID, err)
	}
	w.config.Log.Warn("the deployment had no current build: this one was promoted", "deployment", b.Deployment, "build", b.ID)
	return b.ID, nil
}

// early tells a build that Temporal does not know yet, or a race with another worker, from a refusal.
func early(err error) bool {
	var unknown *serviceerror.NotFound
	var raced *serviceerror.FailedPrecondition
	return errors.As(err, &unknown) || errors.As(err, &raced) || retryable(err)
}
