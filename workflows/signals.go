package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// maxSignals is how many signals a case keeps: the last ones.
const maxSignals = 100

// signaled keeps what people and tools tell the case, for the `wait` steps. A case that knows its people counts what is proven.
func (c *incident) signaled(ctx workflow.Context, n Note) {
	if err := c.vouched(ctx, n); err != nil {
		c.State.Unproven++
		workflow.GetLogger(ctx).Warn("a signal was not counted", "name", Plain(n.Name, maxLabel), "error", err)
		c.show(ctx)
		return
	}
	s := n.Signal
	s.Name, s.By, s.Time = Plain(s.Name, maxLabel), Plain(s.By, maxLabel), workflow.Now(ctx)
	if len(encode(s.Data)) > MaxAlert {
		s.Data = map[string]any{"cut": "what came with this signal was too large to be kept"}
	}
	c.State.Signals = append(c.State.Signals, s)
	if over := len(c.State.Signals) - maxSignals; over > 0 {
		c.State.Signals = append([]plan.Signal(nil), c.State.Signals[over:]...)
	}
	c.measure(ctx)
	c.show(ctx)
}

// takeWaiting takes the alerts and signals that have come.
func (c *incident) takeWaiting(ctx workflow.Context) {
	alerts, signals := workflow.GetSignalChannel(ctx, AlertSignal), workflow.GetSignalChannel(ctx, NoteSignal)
	for alerts.Len() > 0 {
		var alert plan.Alert
		alerts.ReceiveAsync(&alert)
		c.join(ctx, alert)
	}
	for signals.Len() > 0 {
		var n Note
		signals.ReceiveAsync(&n)
		c.signaled(ctx, n)
	}
}
