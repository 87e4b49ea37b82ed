package workflows

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// parallel runs all its steps together and joins them all: a failing one does not kill its siblings' captures.
func (c *incident) parallel(ctx workflow.Context, s plan.Step, at *frame, path string) (entry, error) {
	frames, errs := make([]*frame, len(s.Parallel)), make([]error, len(s.Parallel))
	all := workflow.NewWaitGroup(ctx)
	for i, child := range s.Parallel {
		frames[i] = at.inner(path+"/", "")
		all.Add(1)
		workflow.GoNamed(ctx, path+"/"+child.ID, func(ctx workflow.Context) {
			defer all.Done()
			errs[i] = c.step(ctx, child, frames[i])
		})
	}
	all.Wait(ctx)
	if err := gravest(errs); err != nil {
		return nil, err
	}
	seen := entry{}
	for _, f := range frames {
		f.into(seen)
	}
	return c.done(ctx, path, "", seen), nil
}

// branch runs one of its two lists.
func (c *incident) branch(ctx workflow.Context, s plan.Step, at *frame, path string) (entry, error) {
	yes, err := c.eval.Bool(s.Branch.Cond, c.scope(ctx, at))
	if err != nil {
		return nil, expressionFailure(path, err)
	}
	list, summary := s.Branch.Else, "condition is false: "
	if yes {
		list, summary = s.Branch.Then, "condition is true: "
	}
	inside := at.inner(path+"/", "")
	if err := c.steps(ctx, list, inside); err != nil {
		return nil, err
	}
	return c.done(ctx, path, fmt.Sprint(summary, s.Branch.Cond.Source), inside.into(entry{})), nil
}
