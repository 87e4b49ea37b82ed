package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// tend does what is to be done besides the steps: it counts the alerts and keeps the signals that have come, and renews the
// live page. It is called in every pass of the workflow's coroutines, and costs none of its own: each would be asked in
// every pass, and replays would be half as fast.
func (c *incident) tend(ctx workflow.Context) {
	c.takeWaiting(ctx)
	if c.stale {
		c.render(ctx)
	}
}

// settle lets everything that is ready to go on do so.
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
