package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/activities"
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
	if c.State.Alerts > 1 && len(c.State.Further) < maxJoined { // the first one opened the case and stands in the record
		c.State.Further = append(c.State.Further, furtherOf(alert, workflow.Now(ctx)))
	}
	c.measure(ctx)
	c.show(ctx)
}

// maxWords is how much of each text of a further alert the record has.
const maxWords = 300

func furtherOf(a plan.Alert, at time.Time) activities.Further {
	about := a.Target.Node
	if a.Target.Pod != "" {
		about = a.Target.Namespace + "/" + a.Target.Pod
	}
	return activities.Further{
		ID: Plain(a.ID, maxWords), Source: Plain(a.Source, maxWords), Rule: Plain(a.Rule, maxWords), Priority: Plain(a.Priority, maxWords),
		Target: Plain(about, maxWords), Summary: Plain(a.Summary, maxWords), Seen: a.Time, At: at,
	}
}
