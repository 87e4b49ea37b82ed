package workflows

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// while runs the step's activity until the condition on its output holds.
func (c *incident) while(ctx workflow.Context, s plan.Step, at *frame, path string) (entry, error) {
	w := s.While
	for {
		if err := c.pace(ctx, s, path); err != nil {
			return nil, err
		}
		try := c.Tries[path]
		output, err := c.perform(ctx, s, at, path, attempt{
			call: c.callOf(path, fmt.Sprintf("%s/try%d", path, try)), id: c.activityID(path) + tried(try),
		})
		if err != nil {
			return nil, err
		}
		c.Tries[path] = try + 1
		yes, err := c.reached(ctx, s, at, path, output)
		switch {
		case err != nil:
			return nil, err
		case yes, c.in.DryRun: // what a dry run does not change cannot come about
			delete(c.Tries, path)
			return c.succeed(ctx, path, output), nil
		case try+1 >= w.Max:
			delete(c.Tries, path)
			return nil, &failure{path, KindNotReached, fmt.Sprintf("%s did not hold in %d tries: %s", w.Until.Source, w.Max, resultOf(output).Summary),
				"see why it does not hold, then retry; or skip the step with a reason"}
		}
		if w.Every > 0 {
			c.left(ctx, path, w.Every) // the pause begins here, also when the run is left meanwhile
		}
	}
}

func tried(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" (try %d)", n+1)
}

// pace keeps the pause between two tries.
func (c *incident) pace(ctx workflow.Context, s plan.Step, path string) error {
	if _, pausing := c.Deadlines[path]; pausing {
		if err := c.sleep(ctx, path, s.While.Every, summaryOf(s.Phase, path, "pauses"), func() bool { return false }); err != nil {
			return err
		}
	}
	return c.gate(ctx)
}

func (c *incident) reached(ctx workflow.Context, s plan.Step, at *frame, path string, output any) (bool, error) {
	scope := c.scope(ctx, at)
	scope.Vars[plan.OutputVar] = output
	var err error
	if text := at.unit.plan.Types[s.Uses.Activity]; text != "" {
		if scope.OutputType, err = plan.ParseNotation(text); err != nil {
			return false, expressionFailure(path, err)
		}
	}
	yes, err := at.unit.eval.Bool(s.While.Until, scope)
	if err != nil {
		return false, expressionFailure(path, err)
	}
	return yes, nil
}
