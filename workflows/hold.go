package workflows

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/activities"
)

// hold is a failed step that waits for a person. Everything stays contained meanwhile.
type hold struct {
	HeldStep

	decision *Decision
}

// hold waits for a decision and follows it. Neither an entry nor an error means: run the step again.
func (c *incident) hold(ctx workflow.Context, f *failure) (entry, error) {
	h := &hold{HeldStep: HeldStep{Path: f.Path, Error: f.Cause, Kind: f.Kind, Advice: f.Advice}}
	c.suspend(ctx, h)
	c.awaitDecision(ctx, h)
	c.letGo(ctx, h)
	if err := c.released(ctx, h); err != nil {
		c.fail(ctx, f.Path, f.Cause)
		return nil, err
	}
	if h.decision.Action == SkipStep {
		return c.passOver(ctx, f, h.decision), nil
	}
	if len(h.decision.Set) > 0 {
		c.Edits[f.Path] = h.decision.Set
	}
	return nil, nil
}

// released says why a held step is not gone on with, if so: the case ends, or the step is one of `finally` and was aborted
// by itself.
func (c *incident) released(ctx workflow.Context, h *hold) error {
	switch {
	case h.decision == nil, c.aborted != nil && c.End == nil:
		return c.stopping(ctx)
	case ends(h.decision.Action):
		return &aborted{*h.decision}
	}
	return nil
}

// passOver records that a person skipped the step. Its error stays in the record: nothing was done.
func (c *incident) passOver(ctx workflow.Context, f *failure, d *Decision) entry {
	c.close(ctx, f.Path, activities.StepSkipped, fmt.Sprintf("skipped by %s: %s", d.By, d.Reason), f.Cause)
	return entry{statusKey: string(activities.StepSkipped), errorKey: f.Cause}
}

func (c *incident) suspend(ctx workflow.Context, h *hold) {
	r := c.at(h.Path)
	r.Status, r.Error = activities.StepHeld, h.Error
	c.holds = append(c.holds, h)
	c.listHolds(ctx)
	if !c.Paged[h.Path] { // once for each failure, also over several runs
		c.Paged[h.Path] = true
		c.callFor(ctx, h)
	}
}

func (c *incident) letGo(ctx workflow.Context, h *hold) {
	c.holds = slices.DeleteFunc(c.holds, func(other *hold) bool { return other == h })
	if h.decision != nil {
		delete(c.Paged, h.Path)
		delete(c.Reminders, h.Path)
	}
	c.listHolds(ctx)
}

func (c *incident) listHolds(ctx workflow.Context) {
	c.State.Holds = nil
	for _, h := range c.holds {
		c.State.Holds = append(c.State.Holds, h.HeldStep)
	}
	c.State.Status = Running
	if len(c.holds) > 0 {
		c.State.Status = Held
	}
	c.countHeld(ctx, c.State.Status == Held)
	c.markOpen(ctx)
	c.show(ctx)
}

// Asking is the outcome that the lists show of a case that asks people something.
const Asking = "asks"

// markOpen notes in the lists what an open case waits for.
func (c *incident) markOpen(ctx workflow.Context) {
	switch {
	case c.State.Status == Running && len(c.asked) > 0:
		c.mark(ctx, Asking)
	default:
		c.mark(ctx, string(c.State.Status))
	}
}

// takeDecisions answers the update `decide`. What the validator refuses never enters the history.
func (c *incident) takeDecisions(ctx workflow.Context) error {
	return workflow.SetUpdateHandlerWithOptions(ctx, DecideUpdate, c.decide, workflow.UpdateHandlerOptions{
		Validator:   c.checkDecision,
		Description: "Decide what becomes of a held step: retry, skip, abort or rollback; the last two without a step end the case wherever it is",
	})
}

func (c *incident) decide(ctx workflow.Context, d Decision) error {
	if err := c.checkDecision(ctx, d); err != nil {
		return err
	}
	about := c.heldFor(d)
	for _, h := range c.answered(d) {
		its := d
		its.Path = h.Path
		h.decision = &its
	}
	decided := activities.Decided{Step: d.Path, Choice: string(d.Action), By: d.By, Why: reasonOf(d), At: workflow.Now(ctx), About: about}
	if d.Signed != nil {
		decided.Nonce = d.Signed.Nonce
	}
	c.State.Decided = append(c.State.Decided, decided)
	if ends(d.Action) {
		c.abort(ctx, d)
	}
	return nil
}

// ends tells whether a decision ends the case.
func ends(a Action) bool { return a == AbortCase || a == RollbackCase }

// abort ends the steps: nothing new is started, and what is in flight is canceled and waited for. In `finally` it ends
// only what is held, since evidence is sealed there.
func (c *incident) abort(ctx workflow.Context, d Decision) {
	if c.State.Aborted == nil {
		c.State.Aborted = &d
	}
	if c.End == nil {
		c.aborted = &aborted{d}
		c.stop()
	}
	c.show(ctx)
}

func (c *incident) checkDecision(ctx workflow.Context, d Decision) error {
	over := c.End != nil
	switch {
	case c.aborted != nil && !over:
		return fmt.Errorf("the case is ending already: %w", c.aborted)
	case !slices.Contains([]Action{RetryStep, SkipStep, AbortCase, RollbackCase}, d.Action):
		return fmt.Errorf("decision %q is none of retry, skip, abort and rollback", d.Action)
	case d.Action == RollbackCase && over:
		return errors.New("the steps are over and `finally` runs; `firebreak undo` takes the changes back when the case has ended")
	case ends(d.Action) && d.Path == "" && over && len(c.heldPaths()) == 0:
		return errors.New("the case is ending already: `finally` runs, and none of its steps is held")
	case (!ends(d.Action) || d.Path != "") && c.held(d.Path) == nil:
		return fmt.Errorf("step %q is not held; held are: %s", d.Path, c.heldText())
	case d.Action != RetryStep && strings.TrimSpace(d.Reason) == "":
		return fmt.Errorf("to %s, say why: the reason is part of the record", d.Action)
	case len(d.Set) > 0 && d.Action != RetryStep:
		return errors.New("only a retry can set fields of the step's input")
	case d.By == "":
		return errors.New("the decision does not say who decides")
	}
	if err := c.settable(d); err != nil {
		return err
	}
	return c.proven(ctx, d)
}

// settable refuses fields for a step that has no input.
func (c *incident) settable(d Decision) error {
	switch {
	case len(d.Set) == 0:
		return nil
	case c.at(d.Path).Activity == "":
		return fmt.Errorf("step %q runs no activity, so there is no input to set", d.Path)
	case len(encode(d.Set)) > MaxOutput:
		return fmt.Errorf("what is set is larger than %d bytes", MaxOutput)
	}
	return nil
}

// answered gives the undecided holds that a decision is about: one, or all of them where it names none.
func (c *incident) answered(d Decision) []*hold {
	var list []*hold
	for _, h := range c.holds {
		if h.decision == nil && (d.Path == "" || d.Path == h.Path) {
			list = append(list, h)
		}
	}
	return list
}

// reasonOf says why somebody decided so, and what the retry is to do otherwise.
func reasonOf(d Decision) string {
	if len(d.Set) == 0 {
		return d.Reason
	}
	return strings.TrimPrefix(d.Reason+"; with "+Plain(string(encode(d.Set)), 300), "; ")
}

// heldFor says why the step is held that a decision is about; nothing where it is about the whole case.
func (c *incident) heldFor(d Decision) string {
	if h := c.held(d.Path); h != nil {
		return Plain(h.Error, 300)
	}
	return ""
}

// held gives the undecided hold of that path.
func (c *incident) held(path string) *hold {
	for _, h := range c.holds {
		if h.Path == path && h.decision == nil {
			return h
		}
	}
	return nil
}

func (c *incident) heldPaths() []string {
	var paths []string
	for _, h := range c.holds {
		if h.decision == nil {
			paths = append(paths, h.Path)
		}
	}
	return paths
}

func (c *incident) heldText() string {
	paths := c.heldPaths()
	if len(paths) == 0 {
		return "none"
	}
	return fmt.Sprintf("%q", paths)
}
