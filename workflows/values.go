package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// set gives names to values.
func (c *incident) set(ctx workflow.Context, s plan.Step, at *frame, path string) (entry, error) {
	values, err := at.unit.eval.Entries(s.Set, c.scope(ctx, at))
	if err != nil {
		return nil, expressionFailure(path, err)
	}
	return c.gives(ctx, path, "", values), nil
}

// halt ends the run with the playbook's own outcome.
func (c *incident) halt(ctx workflow.Context, s plan.Step, at *frame, path string) error {
	stop := &stopped{Path: path, Outcome: s.Stop.Outcome}
	if s.Stop.Reason != nil {
		reason, err := c.text(ctx, *s.Stop.Reason, at, path)
		if err != nil {
			return err
		}
		stop.Reason = reason
	}
	return stop
}

// text evaluates a template that is text.
func (c *incident) text(ctx workflow.Context, v plan.Value, at *frame, path string) (string, error) {
	value, err := at.unit.eval.Value(v, c.scope(ctx, at))
	if err != nil {
		return "", expressionFailure(path, err)
	}
	if text, ok := value.(string); ok {
		return text, nil
	}
	return string(encode(value)), nil
}

// gives records a step that is through with an output of the engine's own making.
func (c *incident) gives(ctx workflow.Context, path, summary string, output any) entry {
	c.at(path).Output = output
	return c.done(ctx, path, summary, entry{outputKey: output})
}
