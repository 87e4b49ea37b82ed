package compile

import (
	"slices"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// reachable reports a step behind one that always ends the run; of several, the first.
func (c *compiler) reachable(n *syntax.Node, before []plan.Step) {
	last := len(before) - 1
	if last < 0 || !ends(before[last]) || endsIn(before[:last]) {
		return
	}
	end := before[last]
	how := "it always ends the run inside"
	if end.Stop != nil {
		how = "it stops the run"
	}
	c.reader.Report(n, "unreachable", "this step can never run: step %q before it (line %d) comes first, and %s; move this one up, or stop under a condition",
		end.ID, end.Pos.Line, how)
}

// ends tells whether nothing behind the step can run.
func ends(s plan.Step) bool {
	switch {
	case s.If != nil:
		return false
	case s.Stop != nil:
		return true
	case s.Parallel != nil:
		return endsIn(s.Parallel)
	case s.Branch != nil:
		return endsIn(s.Branch.Then) && endsIn(s.Branch.Else)
	case s.Switch != nil:
		return endsIn(s.Switch.Default) && !slices.ContainsFunc(s.Switch.Cases, func(one plan.Case) bool { return !endsIn(one.Do) })
	}
	return false
}

func endsIn(block []plan.Step) bool { return slices.ContainsFunc(block, ends) }

// behind gives what is known behind a step of which all blocks but one end the run.
func (c *compiler) behind(s plan.Step) []string {
	if s.If != nil || len(s.Catch) > 0 || s.OnError == plan.Continue {
		return nil
	}
	var open [][]string
	for _, one := range c.alternatives(s) {
		if !endsIn(one.steps) {
			open = append(open, one.condition)
		}
	}
	if len(open) != 1 {
		return nil
	}
	return open[0]
}
