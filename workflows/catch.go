package workflows

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// catch runs the steps of the first `catch` that takes the failure; caught is false where none does. The step itself
// stays failed, and the run goes on behind it.
func (c *incident) catch(ctx workflow.Context, s plan.Step, at *frame, path string, f *failure) (seen entry, caught bool, err error) {
	which, err := c.catching(ctx, s, at, path, f)
	if err != nil || which < 0 {
		return nil, false, err
	}
	inside := at.inner(fmt.Sprintf("%s/catch[%d]/", path, which), "")
	inside.name, inside.value = plan.ErrorVar, failureValue(f)
	c.close(ctx, path, activities.StepRunning, "failed, and is caught: "+f.Cause, "")
	if err := c.steps(ctx, s.Catch[which].Do, inside); err != nil {
		c.fail(ctx, path, f.Cause)
		return nil, true, err
	}
	return c.fail(ctx, path, f.Cause), true, nil
}

// failureValue is the variable `error`.
func failureValue(f *failure) map[string]any {
	return map[string]any{"kind": f.Kind, "message": f.Cause, "step": f.Path}
}

// catching gives the number of the `catch` that takes the failure. It is asked once for each failure.
func (c *incident) catching(ctx workflow.Context, s plan.Step, at *frame, path string, f *failure) (int, error) {
	key := path + "/catch"
	if which, known := c.Choices[key]; known {
		return which, nil
	}
	scope := c.scope(ctx, at)
	scope.Vars[plan.ErrorVar] = failureValue(f)
	for i, one := range s.Catch {
		if one.When != nil {
			yes, err := at.unit.eval.Bool(*one.When, scope)
			if err != nil {
				return 0, &ended{failure: &failure{path, KindExpression, fmt.Sprintf("evaluate its catch: %v", err), adviceFor(KindExpression)}}
			}
			if !yes {
				continue
			}
		}
		c.Choices[key] = i
		return i, nil
	}
	return -1, nil
}
