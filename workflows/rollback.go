package workflows

import (
	"cmp"
	"encoding/json"
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// What a rollback made of a change.
const (
	undoneWord = "done"
	leftWord   = "failed"
)

// rollback takes back what the run has changed so far.
func (c *incident) rollback(ctx workflow.Context, s plan.Step, at *frame, path string) (entry, error) {
	reason, err := c.text(ctx, s.Rollback.Reason, at, path)
	if err != nil {
		return nil, err
	}
	undone, left := c.unwind(ctx, path)
	if stop := c.stopping(ctx); stop != nil {
		return nil, stop
	}
	summary := fmt.Sprintf("%d changes taken back: %s", undone, reason)
	if left > 0 {
		summary = fmt.Sprintf("%d changes taken back, %d not: %s", undone, left, reason)
	}
	return c.gives(ctx, path, summary, map[string]any{"undone": int64(undone), "failed": int64(left)}), nil
}

// unwind undoes the changes, the last one first. A failure is recorded and never stops the rest: one label that cannot be
// restored must not keep a pod isolated. What is undone leaves the stack; evidence is never deleted.
func (c *incident) unwind(ctx workflow.Context, path string) (undone, left int) {
	for i := len(c.Changes) - 1; i >= 0; i-- {
		if c.Changes[i].Undone == "" && c.gate(ctx) == nil {
			c.takeOneBack(ctx, path, i)
		}
		switch c.Changes[i].Undone {
		case undoneWord:
			undone++
		case leftWord:
			left++
		}
	}
	return undone, left
}

// takeOneBack undoes one change, or names it among those that stand.
func (c *incident) takeOneBack(ctx workflow.Context, path string, i int) {
	change, name := c.Changes[i], nameOf(c.Changes, i)
	its := path + "/undo/" + name
	c.begin(ctx, plan.Step{Phase: c.State.Phase}, its)
	err := c.undoOne(ctx, its, change)
	if err == nil {
		c.Changes[i].Undone = undoneWord
		c.done(ctx, its, takenBack(change), entry{})
		return
	}
	c.Changes[i].Undone = leftWord
	c.State.Standing = append(c.State.Standing, activities.Standing{
		Step: name, Activity: change.Activity, Summary: cmp.Or(didOf(change), begunBy(change)), Why: causeOf(err),
	})
	c.fail(ctx, its, err.Error())
}

func (c *incident) undoOne(ctx workflow.Context, its string, change Undoable) error {
	u := undoing(change)
	c.at(its).Activity = u.name
	if err := c.fence(ctx, its, change); err != nil {
		return err
	}
	options := activityOptions(c.in.Cluster, &u.uses, c.activityID(its), summaryOf("undo", change.Call.Step, ""))
	_, err := c.execute(ctx, options, u.name, u.input)
	return outcomeOf(its, err)
}

// undo is the one activity that takes a change back.
type undo struct {
	name  string
	uses  plan.Uses
	input any
}

// undoing gives the activity's own undo, or what the playbook wants in its place.
func undoing(change Undoable) undo {
	retry := plan.Retry{Attempts: 8, Initial: time.Second, Backoff: 2, Max: 30 * time.Second}
	if in := change.Instead; in != nil {
		call := change.Call
		call.Step, call.Key = call.Step+"/undo", call.Key+"/undo"
		return undo{
			name:  in.Activity,
			uses:  plan.Uses{Place: in.Place, Timeout: orDefault(in.Timeout, 2*time.Minute), Retry: retry},
			input: ActivityInput{Call: call, Input: encodeMap(in.Input)},
		}
	}
	return undo{
		name:  UndoActivity(change.Activity),
		uses:  plan.Uses{Place: change.Place, Timeout: orDefault(change.Timeout, 2*time.Minute), Retry: retry},
		input: UndoActivityInput{Call: change.Call, Input: encode(change.Input), Output: encode(change.Output)},
	}
}

// encodeMap is encode, with an empty input where there is none.
func encodeMap(value any) json.RawMessage {
	if raw := encode(value); raw != nil {
		return raw
	}
	return json.RawMessage("{}")
}
