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

// settle lets the coroutine that counts alerts run once more: an alert that came with the last activity's end has been
// handed to it and is not counted yet, and no accepted alert is to be lost with the end of the run.
func (c *incident) settle(ctx workflow.Context) {
	passed := false
	workflow.GoNamed(ctx, "settle", func(workflow.Context) { passed = true })
	_ = workflow.Await(ctx, func() bool { return passed }) // ctx is detached: no cancellation ends the wait
}

// join counts one alert. It was bounded when it was signalled, unless somebody else than Firebreak signalled it.
func (c *incident) join(ctx workflow.Context, alert plan.Alert) {
	c.State.Alerts++
	if len(c.State.Joined) < maxJoined {
		c.State.Joined = append(c.State.Joined, alert.Bounded(MaxAlert))
	}
	c.measure(ctx)
	c.show(ctx)
}
