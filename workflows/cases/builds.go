package cases

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
)

// Status of a build.
const (
	BuildCurrent  = "current"  // new cases begin on it
	BuildRamping  = "ramping"  // some new cases begin on it
	BuildDraining = "draining" // cases that began on it are open
	BuildDrained  = "drained"  // nothing of it is open: its workers may go
	BuildIdle     = "idle"     // it was never current
)

// Build is one build of a worker deployment, as Temporal knows it.
type Build struct {
	ID     string    `json:"build"`
	Status string    `json:"status"`
	Since  time.Time `json:"since"` // when its first worker came
}

// ErrNoBuild is returned where no worker of the deployment or of the build ever polled.
var ErrNoBuild = errors.New("no worker of it has polled yet")

// Builds gives the builds of a deployment, the newest first.
func (c *Cases) Builds(ctx context.Context, deployment string) ([]Build, error) {
	ctx, done := context.WithTimeout(ctx, patience)
	defer done()
	now, err := c.client.WorkerDeploymentClient().GetHandle(deployment).Describe(ctx, client.WorkerDeploymentDescribeOptions{})
	if err != nil {
		return nil, unknownBuild("list the builds of "+deployment, err)
	}
	builds := make([]Build, 0, len(now.Info.VersionSummaries))
	for _, v := range now.Info.VersionSummaries {
		builds = append(builds, Build{ID: v.Version.BuildID, Status: buildStatus(now.Info.RoutingConfig, v), Since: v.CreateTime})
	}
	slices.SortStableFunc(builds, func(a, b Build) int { return b.Since.Compare(a.Since) })
	return builds, nil
}

func buildStatus(r client.WorkerDeploymentRoutingConfig, v client.WorkerDeploymentVersionSummary) string {
	switch {
	case r.CurrentVersion != nil && r.CurrentVersion.BuildID == v.Version.BuildID:
		return BuildCurrent
	case r.RampingVersion != nil && r.RampingVersion.BuildID == v.Version.BuildID:
		return BuildRamping
	case v.DrainageStatus == client.WorkerDeploymentVersionDrainageStatusDraining:
		return BuildDraining
	case v.DrainageStatus == client.WorkerDeploymentVersionDrainageStatusDrained:
		return BuildDrained
	}
	return BuildIdle
}

// Promote makes a build the one that new cases begin on, and gives the one before; empty for none. Open cases stay on theirs.
// An empty build stands for the workers without one, which then take the open cases of no build as well.
func (c *Cases) Promote(ctx context.Context, deployment, build string) (before string, err error) {
	doing := fmt.Sprintf("promote build %q of %q", build, deployment)
	err = c.route(ctx, deployment, doing, func(ctx context.Context, of client.WorkerDeploymentHandle, now client.WorkerDeploymentDescribeResponse) error {
		if current := now.Info.RoutingConfig.CurrentVersion; current != nil {
			before = current.BuildID
		}
		_, err := of.SetCurrentVersion(ctx, client.WorkerDeploymentSetCurrentVersionOptions{
			BuildID: build, ConflictToken: now.ConflictToken,
			IgnoreMissingTaskQueues: build == "", AllowNoPollers: build == "", // they are not told apart from those of other queues
		})
		return err
	})
	return before, err
}

// Ramp lets a share of the new cases, in percent, begin on a build; 0 ends that.
func (c *Cases) Ramp(ctx context.Context, deployment, build string, percent float32) error {
	doing := fmt.Sprintf("ramp build %q of %q", build, deployment)
	return c.route(ctx, deployment, doing, func(ctx context.Context, of client.WorkerDeploymentHandle, now client.WorkerDeploymentDescribeResponse) error {
		ramp := client.WorkerDeploymentSetRampingVersionOptions{BuildID: build, Percentage: percent, ConflictToken: now.ConflictToken}
		if percent == 0 {
			if ramping := now.Info.RoutingConfig.RampingVersion; ramping == nil || ramping.BuildID != build {
				return nil
			}
			ramp.BuildID = "" // with 0 percent: no build
		}
		_, err := of.SetRampingVersion(ctx, ramp)
		return err
	})
}

// route changes where new cases begin, unless somebody else does at the same time. The worker of a new build that has just
// begun is waited for until it polls all its queues.
func (c *Cases) route(
	ctx context.Context, deployment, doing string,
	change func(context.Context, client.WorkerDeploymentHandle, client.WorkerDeploymentDescribeResponse) error,
) error {
	ctx, done := context.WithTimeout(ctx, 2*patience)
	defer done()
	handle := c.client.WorkerDeploymentClient().GetHandle(deployment)
	for {
		now, err := handle.Describe(ctx, client.WorkerDeploymentDescribeOptions{})
		if err == nil {
			err = change(ctx, handle, now)
		}
		if !stillComing(err) {
			return unknownBuild(doing, err)
		}
		select {
		case <-ctx.Done():
			return unknownBuild(doing, err)
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// stillComing tells a refusal because of queues that the new build does not poll, or does not poll yet.
func stillComing(err error) bool {
	var refused *serviceerror.FailedPrecondition
	return errors.As(err, &refused) && strings.Contains(refused.Message, "missing active task queues")
}

func unknownBuild(doing string, err error) error {
	var unknown *serviceerror.NotFound
	var refused *serviceerror.FailedPrecondition
	switch {
	case errors.As(err, &unknown):
		return fmt.Errorf("%s: %w", doing, ErrNoBuild)
	case errors.As(err, &refused):
		return fmt.Errorf("%s: %w: %s", doing, ErrRefused, refused.Message)
	}
	return explain(doing, err)
}
