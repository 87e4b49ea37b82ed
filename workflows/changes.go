package workflows

import (
	"slices"

	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// register puts a change on the undo stack before its activity starts: a worker that dies in the middle leaves a
// change that can be undone. A step that is run again is registered once. It gives the change's place, or -1 where there
// is nothing to undo.
func (c *incident) register(ctx workflow.Context, u *plan.Uses, at *frame, call activities.Call, input any, summary string) (int, error) {
	if c.in.DryRun || !u.Undoable && (u.Undo == nil || u.Undo.Activity == "") || u.Undo != nil && u.Undo.Activity == "" {
		return -1, nil
	}
	change := Undoable{Activity: u.Activity, Place: u.Place, Call: call, Input: input, Summary: summary, Timeout: u.Timeout}
	if u.Undo != nil {
		with, err := at.unit.eval.Value(u.Undo.With, c.scope(ctx, at))
		if err != nil {
			return -1, expressionFailure(call.Step, err)
		}
		change.Instead = &Instead{Activity: u.Undo.Activity, Place: u.Undo.Place, Input: with, Timeout: u.Undo.Timeout}
	}
	if i := c.registered(call.Step); i >= 0 {
		change.Output = c.Changes[i].Output
		c.Changes[i] = change
		return i, nil
	}
	c.Changes = append(c.Changes, change)
	return len(c.Changes) - 1, nil
}

func (c *incident) registered(path string) int {
	return slices.IndexFunc(c.Changes, func(u Undoable) bool { return u.Call.Step == path })
}

// stands tells whether a step's change was made and not taken back.
func (c *incident) stands(path string) bool {
	i := c.registered(path)
	return i >= 0 && c.Changes[i].Undone != undoneWord
}

// standing gives the changes that an undo of the case would take back, in the order they were made.
func (c *incident) standing() []Undoable {
	out := []Undoable{}
	for _, change := range c.Changes {
		if change.Undone != undoneWord {
			out = append(out, change)
		}
	}
	return out
}
