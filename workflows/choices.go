package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// Beginnings of what the record says of an if and a switch: which way it went.
const (
	TookThen    = "condition is true: "
	TookElse    = "condition is false: "
	TookDefault = "no case holds"
)

// branch runs one of its two lists.
func (c *incident) branch(ctx workflow.Context, s plan.Step, at *frame, path string) (entry, error) {
	which, known := c.Choices[path]
	if !known {
		yes, err := at.unit.eval.Bool(s.Branch.Cond, c.scope(ctx, at))
		if err != nil {
			return nil, expressionFailure(path, err)
		}
		if yes {
			which = 1
		}
		c.Choices[path] = which
	}
	list, words := s.Branch.Else, TookElse
	if which == 1 {
		list, words = s.Branch.Then, TookThen
	}
	if s.Requires != nil && len(list) > 0 {
		if err := c.secured(ctx, s, path); err != nil {
			return nil, err
		}
	}
	return c.chosen(ctx, list, at, path, words+s.Branch.Cond.Source)
}

// choose runs the first case of a switch whose condition holds, else its default. Conditions behind that one are not asked.
func (c *incident) choose(ctx workflow.Context, s plan.Step, at *frame, path string) (entry, error) {
	which, known := c.Choices[path]
	if !known {
		var err error
		if which, err = c.matching(ctx, s, at, path); err != nil {
			return nil, err
		}
		c.Choices[path] = which
	}
	if which < 0 {
		return c.chosen(ctx, s.Switch.Default, at, path, TookDefault)
	}
	one := s.Switch.Cases[which]
	return c.chosen(ctx, one.Do, at, path, "the case holds: "+one.When.Source)
}

func (c *incident) matching(ctx workflow.Context, s plan.Step, at *frame, path string) (int, error) {
	scope := c.scope(ctx, at)
	for i, one := range s.Switch.Cases {
		yes, err := at.unit.eval.Bool(one.When, scope)
		switch {
		case err != nil:
			return 0, expressionFailure(path, err)
		case yes:
			return i, nil
		}
	}
	return -1, nil
}

func (c *incident) chosen(ctx workflow.Context, list []plan.Step, at *frame, path, summary string) (entry, error) {
	inside := at.inner(path+"/", "")
	if err := c.steps(ctx, list, inside); err != nil {
		return nil, err
	}
	return c.done(ctx, path, summary, inside.into(entry{})), nil
}
