package workflows

import (
	"slices"

	"go.temporal.io/sdk/workflow"
)

// Lengths of a history. Temporal wants a run to be left at 4,096 events or 4 MiB and ends it at 51,200 events; an activity
// in flight has up to six events to come.
const (
	handyHistory = 2000    // left as soon as nothing is in flight
	fullHistory  = 3400    // left as soon as what is in flight is through; nothing more is started
	fullBytes    = 3 << 20 // the same, by size
	eventsAhead  = 6       // of an activity in flight
)

// gate is passed before anything new is started. It says why the run ends, if so, and stays shut while the run is to be
// left: the next run of the chain comes to the same place.
func (c *incident) gate(ctx workflow.Context) error {
	if err := c.stopping(ctx); err != nil {
		return err
	}
	c.measure(ctx)
	if c.draining {
		_ = workflow.Await(ctx, func() bool { return c.stopping(ctx) != nil || !c.draining || c.unwinding() }) // stopping says why
	}
	return c.stopping(ctx)
}

// measure shuts the gate when the history is long. It is done wherever events may have come in.
func (c *incident) measure(ctx workflow.Context) {
	if !c.staying && c.long(ctx) {
		c.draining = true
	}
}

// long tells whether the history is so long that the run is to be left now.
func (c *incident) long(ctx workflow.Context) bool {
	info := workflow.GetInfo(ctx)
	if c.busy == 0 {
		return lengthy(info)
	}
	return info.GetCurrentHistoryLength()+eventsAhead*c.busy >= fullHistory || full(info)
}

// lengthy tells whether a run with nothing in flight is to be left.
func lengthy(info *workflow.Info) bool {
	return info.GetCurrentHistoryLength() >= handyHistory || full(info)
}

func full(info *workflow.Info) bool {
	return info.GetCurrentHistorySize() >= fullBytes || info.GetContinueAsNewSuggested()
}

// leave waits until the steps are through, or until the run can be left for the next one of its chain, which is the error
// it then gives.
func (c *incident) leave(ctx workflow.Context, through *bool) error {
	detached, release := workflow.NewDisconnectedContext(ctx) // a cancellation ends the steps, not this wait
	defer release()
	for {
		_ = workflow.Await(detached, func() bool {
			c.tend(detached)
			return *through || c.draining && c.quiet(ctx)
		})
		c.settle(detached) // what is ready to go on does so before anything is decided
		switch {
		case *through:
			return nil
		case !c.draining || !c.quiet(ctx):
			continue
		}
		c.takeWaiting(ctx)
		raw, fits := c.pack()
		if !fits { // a run that is too long is worth more than a case that is lost
			workflow.GetLogger(ctx).Error("the case is too large to be handed on to a new run", "bytes", len(raw))
			return c.stay(detached, through)
		}
		in := c.in
		in.Resume = raw
		return workflow.NewContinueAsNewError(ctx, CaseWorkflow, in)
	}
}

// unwinding tells whether the steps were ended by a cancellation or a person, and the blocks around them are not through
// yet. Nothing new begins then but the `finally` of called playbooks, for which the gate is open.
func (c *incident) unwinding() bool { return c.End == nil && c.calledOff() }

// quiet tells whether nothing is under way that a new run could not take up: no activity, no answer to a person, and no end
// that is still on its way out of the blocks. Temporal hands no cancellation on: the next run would do its step again.
func (c *incident) quiet(ctx workflow.Context) bool {
	if c.busy > 0 || c.unwinding() || !workflow.AllHandlersFinished(ctx) {
		return false
	}
	return !slices.ContainsFunc(c.holds, func(h *hold) bool { return h.decision != nil }) &&
		!slices.ContainsFunc(c.asked, func(q *asked) bool { return q.answer != nil })
}

// stay opens the gate for good: Temporal's own limits are all that is left.
func (c *incident) stay(ctx workflow.Context, through *bool) error {
	c.draining, c.staying = false, true
	_ = workflow.Await(ctx, func() bool {
		c.tend(ctx)
		return *through
	})
	return nil
}
