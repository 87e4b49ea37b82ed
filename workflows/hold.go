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
	h := &hold{HeldStep: HeldStep{Path: f.path, Error: f.cause, Kind: f.kind, Advice: f.advice}}
	c.suspend(ctx, h)
	_ = workflow.Await(ctx, func() bool { return h.decision != nil || c.stopping(ctx) != nil }) // released says why
	c.resume(ctx, h)
	if err := c.released(ctx, h); err != nil {
		c.fail(ctx, f.path, f.cause)
		return nil, err
	}
	if h.decision.Action == SkipStep {
		return c.passOver(ctx, f, h.decision), nil
	}
	return nil, nil
}

// released says why a held step is not gone on with, if so: the case ends, or the step is one of `finally` and was aborted
// by itself.
func (c *incident) released(ctx workflow.Context, h *hold) error {
	switch {
	case h.decision == nil, c.aborted != nil && !c.ending:
		return c.stopping(ctx)
	case h.decision.Action == AbortCase:
		return &aborted{*h.decision}
	}
	return nil
}

// passOver records that a person skipped the step. Its error stays in the record: nothing was done.
func (c *incident) passOver(ctx workflow.Context, f *failure, d *Decision) entry {
	c.close(ctx, f.path, activities.StepSkipped, fmt.Sprintf("skipped by %s: %s", d.By, d.Reason), f.cause)
	return entry{statusKey: string(activities.StepSkipped), errorKey: f.cause}
}

func (c *incident) suspend(ctx workflow.Context, h *hold) {
	r := c.at(h.Path)
	r.Status, r.Error = activities.StepHeld, h.Error
	c.holds = append(c.holds, h)
	c.listHolds(ctx)
}

func (c *incident) resume(ctx workflow.Context, h *hold) {
	c.holds = slices.DeleteFunc(c.holds, func(other *hold) bool { return other == h })
	c.listHolds(ctx)
}

func (c *incident) listHolds(ctx workflow.Context) {
	c.state.Holds = nil
	for _, h := range c.holds {
		c.state.Holds = append(c.state.Holds, h.HeldStep)
	}
	c.state.Status = Running
	if len(c.holds) > 0 {
		c.state.Status = Held
	}
	c.mark(ctx, string(c.state.Status))
	c.show(ctx)
}

// takeDecisions answers the update `decide`. What the validator refuses never enters the history.
func (c *incident) takeDecisions(ctx workflow.Context) error {
	return workflow.SetUpdateHandlerWithOptions(ctx, DecideUpdate, c.decide, workflow.UpdateHandlerOptions{
		Validator:   c.checkDecision,
		Description: "Decide what becomes of a held step: retry, skip or abort; an abort without a step ends the case",
	})
}

func (c *incident) decide(ctx workflow.Context, d Decision) error {
	if err := c.checkDecision(d); err != nil {
		return err
	}
	for _, h := range c.answered(d) {
		its := d
		its.Path = h.Path
		h.decision = &its
	}
	if d.Action == AbortCase {
		c.abort(ctx, d)
	}
	return nil
}

// abort ends the steps: nothing new is started, and what is in flight is canceled and waited for. In `finally` it ends
// only what is held, since evidence is sealed there.
func (c *incident) abort(ctx workflow.Context, d Decision) {
	if c.state.Aborted == nil {
		c.state.Aborted = &d
	}
	if !c.ending {
		c.aborted = &aborted{d}
		c.stop()
	}
	c.show(ctx)
}

func (c *incident) checkDecision(d Decision) error {
	switch {
	case c.aborted != nil && !c.ending:
		return fmt.Errorf("the case is ending already: %w", c.aborted)
	case d.Action == AbortCase && d.Path == "" && c.ending && len(c.heldPaths()) == 0:
		return errors.New("the case is ending already: `finally` runs, and none of its steps is held")
	case (d.Action != AbortCase || d.Path != "") && c.held(d.Path) == nil:
		return fmt.Errorf("step %q is not held; held are: %s", d.Path, c.heldText())
	case !slices.Contains([]Action{RetryStep, SkipStep, AbortCase}, d.Action):
		return fmt.Errorf("decision %q is none of retry, skip and abort", d.Action)
	case d.Action != RetryStep && strings.TrimSpace(d.Reason) == "":
		return fmt.Errorf("to %s, say why: the reason is part of the record", d.Action)
	case d.By == "":
		return errors.New("the decision does not say who decides")
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
