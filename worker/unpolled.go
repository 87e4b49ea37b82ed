package worker

import (
	"context"
	"fmt"
	"slices"
	"time"

	deploymentpb "go.temporal.io/api/deployment/v1"
	enumspb "go.temporal.io/api/enums/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/firebreak-ir/firebreak/workflows"
)

const (
	// lookAgain is how often an interpreter looks where new cases go.
	lookAgain = time.Minute
	// forgotten is after how long without a question a worker counts as gone: one that lives asks once a minute.
	forgotten = 90 * time.Second
)

// heed says again and again while new cases go where no worker takes them. Temporal accepts alerts also then, and keeps their
// cases waiting: nobody else would notice.
func (w *Worker) heed(ctx context.Context) {
	if !slices.Contains(w.config.Roles, Interpreter) {
		return
	}
	for missed := false; ; {
		again, err := w.look(ctx, missed)
		if missed = again; err != nil && ctx.Err() == nil {
			w.config.Log.Warn("where new cases go is not known", "error", err)
		}
		if pause(ctx, w.lookAgain) != nil {
			return
		}
	}
}

// look tells whether nobody asks where new cases go, and says so when that was so the time before: a server that was started
// just now has not heard of every worker yet.
func (w *Worker) look(ctx context.Context, before bool) (missed bool, err error) {
	route, err := w.route(ctx)
	if err != nil {
		return false, err
	}
	current := route.GetVersioningInfo().GetCurrentDeploymentVersion()
	if polled(route.GetPollers(), current, time.Now().Add(-w.forgotten)) {
		return false, nil
	}
	if before {
		w.config.Log.Error(waits(current, w.config.Build))
	}
	return true, nil
}

func (w *Worker) route(ctx context.Context) (*workflowservice.DescribeTaskQueueResponse, error) {
	ctx, done := context.WithTimeout(ctx, 20*time.Second)
	defer done()
	return w.config.Client.WorkflowService().DescribeTaskQueue(ctx, &workflowservice.DescribeTaskQueueRequest{
		Namespace: w.config.Namespace, TaskQueueType: enumspb.TASK_QUEUE_TYPE_WORKFLOW,
		TaskQueue: &taskqueuepb.TaskQueue{Name: workflows.Queue, Kind: enumspb.TASK_QUEUE_KIND_NORMAL},
	})
}

// polled tells whether a worker of the build has asked since then; no build is that of the workers without one.
func polled(pollers []*taskqueuepb.PollerInfo, build *deploymentpb.WorkerDeploymentVersion, since time.Time) bool {
	return slices.ContainsFunc(pollers, func(p *taskqueuepb.PollerInfo) bool {
		return p.GetLastAccessTime().AsTime().After(since) && serves(p.GetDeploymentOptions(), build)
	})
}

func serves(o *deploymentpb.WorkerDeploymentOptions, build *deploymentpb.WorkerDeploymentVersion) bool {
	if versioned := o.GetWorkerVersioningMode() == enumspb.WORKER_VERSIONING_MODE_VERSIONED; !versioned || build == nil {
		return !versioned && build == nil
	}
	return o.GetDeploymentName() == build.GetDeploymentName() && o.GetBuildId() == build.GetBuildId()
}

// waits is the sentence for the person who reads the log of a worker of the build mine.
func waits(build *deploymentpb.WorkerDeploymentVersion, mine Build) string {
	where := "on workers without a build"
	if build != nil {
		where = fmt.Sprintf("on build %q of deployment %q", build.GetBuildId(), build.GetDeploymentName())
	}
	mend := fmt.Sprintf("`firebreak deployment promote %s`", mine.ID)
	if mine.Deployment == "" {
		mend = fmt.Sprintf("`firebreak deployment off --deployment %s`", build.GetDeploymentName())
	}
	return fmt.Sprintf("NEW CASES WAIT: they begin %s, and no such worker has asked for work; start one, or %s", where, mend)
}
