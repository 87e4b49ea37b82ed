package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// countAlerts takes every alert that joins the case, for as long as it runs.
func (c *incident) countAlerts(ctx workflow.Context) {
	alerts := workflow.GetSignalChannel(ctx, AlertSignal)
	workflow.GoNamed(ctx, "alerts", func(ctx workflow.Context) {
		for {
			var alert plan.Alert
			if more := alerts.Receive(ctx, &alert); !more {
				return
			}
			c.join(ctx, alert)
		}
	})
}

// drainAlerts counts what came since the last task, so that no accepted alert is lost with the end of the run.
func (c *incident) drainAlerts(ctx workflow.Context) {
	alerts := workflow.GetSignalChannel(ctx, AlertSignal)
	for {
		var alert plan.Alert
		if !alerts.ReceiveAsync(&alert) {
			return
		}
		c.join(ctx, alert)
	}
}

func (c *incident) join(ctx workflow.Context, alert plan.Alert) {
	c.state.Alerts++
	if len(c.state.Joined) < maxJoined {
		c.state.Joined = append(c.state.Joined, alert)
	}
	c.show(ctx)
}
