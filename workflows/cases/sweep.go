package cases

import (
	"context"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"github.com/firebreak-ir/firebreak/workflows"
)

// sweeping is how long a sweep may take: a cluster of thousands of pods is listed page by page.
const sweeping = 5 * time.Minute

// Sweep looks, through the cluster's worker, for changes of Firebreak that belong to no open case, and waits for the answer.
// A sweep that is running already is joined.
func (c *Cases) Sweep(ctx context.Context, cluster string) (workflows.SweepResult, error) {
	if !plainWord(cluster) {
		return workflows.SweepResult{}, fmt.Errorf("sweep: %w of a cluster: %q", ErrNoName, cluster)
	}
	ctx, done := context.WithTimeout(ctx, sweeping)
	defer done()
	for _, queue := range []string{workflows.Queue, workflows.ClusterQueue(cluster)} {
		if !c.polled(ctx, queue) {
			return workflows.SweepResult{}, fmt.Errorf("sweep cluster %s: %w (nobody polls the queue %q)", cluster, ErrNoWorker, queue)
		}
	}
	run, err := c.client.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: "firebreak-sweep-" + cluster, TaskQueue: workflows.Queue, StaticSummary: "Sweep of " + cluster,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
	}, workflows.SweepWorkflow, workflows.SweepInput{Cluster: cluster})
	if err != nil {
		return workflows.SweepResult{}, explain("sweep cluster "+cluster, err)
	}
	var result workflows.SweepResult
	return result, explain("sweep cluster "+cluster, run.Get(ctx, &result))
}
