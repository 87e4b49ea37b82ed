package workflows

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// catch runs the steps of the `catch` that takes the failure. The step itself stays failed, and the run goes on behind it.
func (c *incident) catch(ctx workflow.Context, s plan.Step, at *frame, path string, which int, f *failure) (entry, error) {
	inside := at.inner(fmt.Sprintf("%s/catch[%d]/", path, which), "")
	inside.name, inside.value = plan.ErrorVar, failureValue(f)
	c.close(ctx, path, activities.StepRunning, "failed, and is caught: "+f.Cause, "")
	if err := c.steps(ctx, s.Catch[which].Do, inside); err != nil {
		c.fail(ctx, path, f.Cause)
		return nil, err
	}
	return c.fail(ctx, path, f.Cause), nil
}

// failureValue is the variable `error`.
func failureValue(f *failure) map[string]any {
	return map[string]any{"kind": f.Kind, "message": f.Cause, "step": f.Path}
}

// catching gives the number of the first `catch` that takes the failure, or -1. It is asked once for each failure. A
// condition that cannot be evaluated takes nothing, nor does any behind it: `onError` decides over the failure, which then
// says so.
func (c *incident) catching(ctx workflow.Context, s plan.Step, at *frame, path string, f *failure) (int, *failure) {
	key := path + "/catch"
	if which, known := c.Choices[key]; known {
		return which, f
	}
	scope := c.scope(ctx, at)
	scope.Vars[plan.ErrorVar] = failureValue(f)
	for i, one := range s.Catch {
		yes, err := true, error(nil)
		if one.When != nil {
			yes, err = at.unit.eval.Bool(*one.When, scope)
		}
		switch {
		case err != nil:
			told := *f
			told.Cause += fmt.Sprintf("; its catch cannot be evaluated: %v", err)
			return -1, &told
		case yes:
			c.Choices[key] = i
			return i, f
		}
	}
	return -1, f
}
