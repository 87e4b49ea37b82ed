package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// Notify is the activity that tells people what a case wants of them.
const Notify = "notify.send"

// tell lets people know, beside what the case does: nothing waits for it, and a message that does not get through is in
// the history and nowhere else.
func (c *incident) tell(ctx workflow.Context, what, step, detail string, to []plan.Approver) {
	if c.tells() {
		c.telling(ctx, what, step, detail, to, func(workflow.Context, error) {})
	}
}

// tells says whether people are told anything.
func (c *incident) tells() bool { return c.in.Notify && !c.in.DryRun }

// telling lets people know; then is called when they have been told, or could not be.
func (c *incident) telling(ctx workflow.Context, what, step, detail string, to []plan.Approver, then func(workflow.Context, error)) {
	c.Told++
	id := fmt.Sprintf("tell/%d", c.Told)
	message := map[string]any{
		"title": Plain(c.State.Playbook+" "+what, 300), "text": Plain(detail, 1000), "severity": c.in.Alert.Priority,
		"cluster": c.State.Cluster, "about": step, "to": audienceOf(to),
	}
	u := &plan.Uses{Place: activities.OnAnalysis, Timeout: 30 * time.Second, Retry: plan.Retry{Attempts: 5, Initial: time.Second, Backoff: 2, Max: 30 * time.Second}}
	options := activityOptions(c.in.Cluster, u, id, summaryOf("tell", step, what))
	options.ScheduleToCloseTimeout = 5 * time.Minute
	detached, _ := workflow.NewDisconnectedContext(ctx)
	workflow.GoNamed(detached, id, func(ctx workflow.Context) {
		_, err := c.execute(ctx, options, Notify, ActivityInput{Call: c.callOf(id, id), Input: encode(message)})
		if err != nil {
			workflow.GetLogger(ctx).Error("people were not told", "step", step, "error", err)
		}
		then(ctx, err)
	})
}
