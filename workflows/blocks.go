package workflows

import (
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
