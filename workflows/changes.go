package workflows

import (
	"slices"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// register puts a change on the undo stack before its activity starts: a worker that dies in the middle leaves a
// change that can be undone. A step that is run again is registered once.
func (c *incident) register(u *plan.Uses, call activities.Call, input any, summary string) int {
	if i := c.registered(call.Step); i >= 0 {
		c.changes[i].Input = input
		return i
	}
	c.changes = append(c.changes, Undoable{
		Activity: u.Activity, Place: u.Place, Call: call, Input: input, Summary: summary, Timeout: u.Timeout,
	})
	return len(c.changes) - 1
}

func (c *incident) registered(path string) int {
	return slices.IndexFunc(c.changes, func(u Undoable) bool { return u.Call.Step == path })
}
