package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// at gives the record of a step; the pointer is good until the next step begins.
func (c *incident) at(path string) *activities.StepRecord { return &c.State.Steps[c.recorded[path]] }

// begin records that a step starts, or starts again.
func (c *incident) begin(ctx workflow.Context, s plan.Step, path string) {
	i, again := c.recorded[path]
	if !again {
		i = len(c.State.Steps)
		c.recorded[path] = i
		c.State.Steps = append(c.State.Steps, activities.StepRecord{Path: path, Phase: s.Phase, Started: workflow.Now(ctx)})
	}
	r := &c.State.Steps[i]
	r.Status, r.Error, r.Summary = activities.StepRunning, "", ""
	if s.Uses != nil {
		r.Activity = s.Uses.Activity
	}
	c.Rounds[path]++
	c.show(ctx)
}

// done records a step that is through, with what it says of itself.
func (c *incident) done(ctx workflow.Context, path, summary string, seen entry) entry {
	c.close(ctx, path, activities.StepDone, summary, "")
	seen[statusKey] = string(activities.StepDone)
	return seen
}

// skip records a step that had nothing to do.
func (c *incident) skip(ctx workflow.Context, path, why string) entry {
	c.close(ctx, path, activities.StepSkipped, why, "")
	return entry{statusKey: string(activities.StepSkipped)}
}

// fail records a step that failed for good.
func (c *incident) fail(ctx workflow.Context, path, cause string) entry {
	c.close(ctx, path, activities.StepFailed, "", cause)
	return entry{statusKey: string(activities.StepFailed), errorKey: cause}
}

func (c *incident) close(ctx workflow.Context, path string, status activities.StepStatus, summary, cause string) {
	r := c.at(path)
	r.Status, r.Summary, r.Error, r.Ended = status, summary, cause, workflow.Now(ctx)
	c.show(ctx)
}
