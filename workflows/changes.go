package workflows

import (
	"bytes"
	"fmt"
	"slices"

	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// register puts a change on the undo stack before its activity starts: a worker that dies in the middle leaves a
// change that can be undone. A step that is run again is registered once, unless its input is another one: what was changed
// with the first is to be taken back as well. It gives the change's place, or -1 where there is nothing to undo.
func (c *incident) register(u *plan.Uses, change Undoable) int {
	if c.in.DryRun || !u.Undoable && change.Instead == nil || u.Undo != nil && change.Instead == nil {
		return -1
	}
	change.Activity, change.Place, change.Timeout = u.Activity, u.Place, u.Timeout
	if i := slices.IndexFunc(c.Changes, change.same); i >= 0 {
		change.Output = c.Changes[i].Output
		c.Changes[i] = change
		return i
	}
	c.Changes = append(c.Changes, change)
	return len(c.Changes) - 1
}

// instead is what the playbook wants to take the change back with; nil: the activity's own undo, or none.
func (c *incident) instead(ctx workflow.Context, u *plan.Uses, at *frame, path string, input any) (*Instead, error) {
	if u.Undo == nil || u.Undo.Activity == "" {
		return nil, nil
	}
	with, err := at.unit.eval.Value(u.Undo.With, c.scope(ctx, at))
	if err != nil {
		return nil, expressionFailure(path, err)
	}
	in := &Instead{Activity: u.Undo.Activity, Place: u.Undo.Place, Input: with, Timeout: u.Undo.Timeout}
	if u.Undo.Effect == activities.Read || u.Undo.Effect == activities.Capture {
		return in, nil
	}
	all := targetsOf(u.Undo.Targets, with)
	in.Blind = len(all) == 0
	own := targetsOf(u.Targets, input)
	for _, t := range all {
		if !slices.ContainsFunc(own, func(other Target) bool { return other.key() == t.key() }) {
			in.Targets = append(in.Targets, t)
		}
	}
	return in, nil
}

// same tells whether two changes are one: of the same step with the same input, and not taken back.
func (u Undoable) same(other Undoable) bool {
	return u.Call.Step == other.Call.Step && other.Undone != undoneWord && bytes.Equal(u.essence(), other.essence())
}

func (u Undoable) essence() []byte { return encode([]any{u.Activity, u.Input, u.Instead}) }

// stands tells whether a step's change was made and not taken back.
func (c *incident) stands(path string) bool {
	return slices.ContainsFunc(c.Changes, func(u Undoable) bool { return u.Call.Step == path && u.Undone != undoneWord })
}

// nameOf tells the changes of one step apart: the second one is isolate#2.
func nameOf(changes []Undoable, i int) string {
	step, nth := changes[i].Call.Step, 1
	for _, before := range changes[:i] {
		if before.Call.Step == step {
			nth++
		}
	}
	if nth == 1 {
		return step
	}
	return fmt.Sprintf("%s#%d", step, nth)
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
