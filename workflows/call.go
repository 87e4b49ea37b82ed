package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// closingKey marks the context of a called playbook's `finally`, which an abort does not end.
type closingKey struct{}

func closing(ctx workflow.Context) bool { return ctx.Value(closingKey{}) != nil }

// call runs another playbook as a part of this run: with its own inputs and steps, on this run's alert and undo stack. Its
// `finally` runs when its steps are over, however that was.
func (c *incident) call(ctx workflow.Context, s plan.Step, at *frame, path string) (entry, error) {
	called, known := c.units[s.Call.Hash]
	if !known {
		return nil, &failure{path, string(activities.Unsupported), "the plan does not hold the playbook " + s.Call.Playbook,
			"abort, and compile the playbook again"}
	}
	inputs, err := c.handedIn(ctx, called.plan, s.Call.Inputs, at, path)
	if err != nil {
		return nil, err
	}
	inside := at.bottom(path+"/", &unit{plan: called.plan, eval: called.eval, inputs: inputs, place: path})
	err = c.steps(ctx, called.plan.Steps, inside)
	last := c.closeCalled(ctx, called.plan.Finally, inside)
	if err := gravest([]error{err, last}); err != nil {
		return nil, err
	}
	outputs, err := called.eval.Entries(called.plan.Outputs, c.scope(ctx, inside))
	if err != nil {
		return nil, expressionFailure(path, err)
	}
	return c.gives(ctx, path, "ran "+called.plan.Name+" "+called.plan.Version, outputs), nil
}

func (c *incident) handedIn(ctx workflow.Context, p plan.Plan, given []plan.Entry, at *frame, path string) (map[string]any, error) {
	values, err := at.unit.eval.Entries(given, c.scope(ctx, at))
	if err != nil {
		return nil, expressionFailure(path, err)
	}
	inputs, err := plan.CheckInputs(p, values)
	if err != nil {
		return nil, &failure{path, string(activities.InvalidInput), err.Error(), adviceFor(string(activities.InvalidInput))}
	}
	return inputs, nil
}

// closeCalled runs the `finally` of a called playbook.
func (c *incident) closeCalled(ctx workflow.Context, list []plan.Step, inside *frame) error {
	if len(list) == 0 {
		return nil
	}
	detached, release := workflow.NewDisconnectedContext(ctx)
	defer release()
	detached = workflow.WithValue(detached, closingKey{}, true)
	after := inside.inner(inside.prefix, "")
	var errs []error
	for _, s := range list {
		errs = append(errs, c.step(detached, s, after))
	}
	inside.adopt(after)
	return gravest(errs)
}
