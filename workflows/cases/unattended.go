package cases

import (
	"context"
	"slices"

	enumspb "go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
)

// unattended gives the queues of waiting activities that no worker polls. Temporal remembers a worker for some minutes
// after it has gone; where it does not say who polls, nothing is claimed.
func (c *Cases) unattended(ctx context.Context, pending []*workflowpb.PendingActivityInfo) []string {
	var asked, quiet []string
	for _, one := range pending {
		queue := one.GetActivityOptions().GetTaskQueue().GetName()
		if queue == "" || one.GetState() != enumspb.PENDING_ACTIVITY_STATE_SCHEDULED || slices.Contains(asked, queue) {
			continue
		}
		asked = append(asked, queue)
		if !c.polled(ctx, queue) {
			quiet = append(quiet, queue)
		}
	}
	return quiet
}

func (c *Cases) polled(ctx context.Context, queue string) bool {
	ctx, done := context.WithTimeout(ctx, patience)
	defer done()
	answer, err := c.client.DescribeTaskQueue(ctx, queue, enumspb.TASK_QUEUE_TYPE_ACTIVITY)
	return err != nil || len(answer.GetPollers()) > 0
}
