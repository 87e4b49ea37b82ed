package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"
)

// How often people are told again of a step that is held: nothing goes on meanwhile.
const (
	holdReminder = 4 * time.Hour
	missedPause  = 5 * time.Minute // after a message that did not get through; it doubles, up to holdReminder
)

// Reminder is when people are to be told again of a held step.
type Reminder struct {
	Due    int64 `json:"due"`              // Unix time, in nanoseconds
	Since  int64 `json:"since"`            // when the step was held
	Told   bool  `json:"told,omitempty"`   // a message got through
	Missed int   `json:"missed,omitempty"` // messages in a row that did not
}

// awaitDecision waits until somebody has decided about a hold, or the case ends; it tells people again meanwhile.
func (c *incident) awaitDecision(ctx workflow.Context, h *hold) {
	ready := func() bool { return h.decision != nil || c.stopping(ctx) != nil }
	r := c.Reminders[h.Path]
	if r == nil { // nobody is told
		_ = workflow.Await(ctx, ready) // released says why
		return
	}
	for !ready() {
		if now := workflow.Now(ctx).UnixNano(); now >= r.Due {
			c.callFor(ctx, h)
		}
		due := r.Due
		_, err := workflow.AwaitWithOptions(ctx, workflow.AwaitOptions{
			Timeout:      max(time.Duration(due-workflow.Now(ctx).UnixNano()), time.Millisecond),
			TimerOptions: workflow.TimerOptions{Summary: Plain("reminds of the hold of "+h.Path, 190)},
		}, func() bool { return ready() || r.Due != due })
		if err != nil { // canceled
			return
		}
	}
}

// callFor tells those who may decide that a step is held, for the first time or once more.
func (c *incident) callFor(ctx workflow.Context, h *hold) {
	if !c.tells() {
		return
	}
	now := workflow.Now(ctx)
	r := c.Reminders[h.Path]
	if r == nil {
		r = &Reminder{Since: now.UnixNano()}
		c.Reminders[h.Path] = r
	}
	what, text := "is held", fmt.Sprintf("%s (%s); %s", h.Error, h.Kind, h.Advice)
	if r.Told {
		what = "is still held"
		text = "nobody has decided since " + time.Unix(0, r.Since).UTC().Format(time.RFC3339) + ": " + text
	}
	r.Due = now.Add(holdReminder).UnixNano()
	c.telling(ctx, what, h.Path, text, c.deciders(), func(ctx workflow.Context, err error) {
		if err == nil {
			r.Told, r.Missed = true, 0
			return
		}
		pause := min(missedPause<<min(r.Missed, 10), holdReminder)
		r.Missed++
		r.Due = workflow.Now(ctx).Add(pause).UnixNano()
	})
}
