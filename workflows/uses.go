package workflows

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"

	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// uses runs one activity.
func (c *incident) uses(ctx workflow.Context, s plan.Step, at *frame, path string) (entry, error) {
	output, err := c.perform(ctx, s, at, path, attempt{call: c.callOf(path, path), id: c.activityID(path)})
	if err != nil {
		return nil, err
	}
	return c.succeed(ctx, path, output), nil
}

// attempt is one run of a step's activity.
type attempt struct {
	call activities.Call
	id   string // in Temporal
}

// perform evaluates the activity's input, checks the guards, registers what can be undone, and runs the activity.
func (c *incident) perform(ctx workflow.Context, s plan.Step, at *frame, path string, a attempt) (any, error) {
	input, err := c.input(ctx, s.Uses, at, path)
	if err != nil {
		return nil, err
	}
	if a.call.Key, err = c.key(ctx, s.Uses, at, a.call.Key); err != nil {
		return nil, err
	}
	a.call.Key += input.edit
	instead, err := c.instead(ctx, s.Uses, at, path, input.value)
	if err != nil {
		return nil, err
	}
	if changes(s.Uses) {
		if err := c.guard(ctx, s, at, path, input.value, instead); err != nil {
			return nil, err
		}
	}
	summary := summaryOf(s.Phase, path, label(at, input.value))
	change := c.register(s.Uses, Undoable{Call: a.call, Input: input.value, Summary: summary, Instead: instead})
	options := activityOptions(c.in.Cluster, s.Uses, a.id, summary)
	if s.OnError == plan.Continue {
		options.ScheduleToCloseTimeout = patience(s.Uses)
	}
	raw, err := c.patiently(ctx, s, at, path, options, ActivityInput{
		Call: a.call, Input: input.raw, Declared: at.unit.plan.Declared[s.Uses.Activity],
	})
	if err != nil {
		return nil, err
	}
	output, err := plan.Decode(raw)
	if err != nil {
		return nil, failureOf(path, err)
	}
	if change >= 0 {
		c.Changes[change].Output = output
	}
	return output, nil
}

func changes(u *plan.Uses) bool {
	return u.Effect == activities.Change || u.Effect == activities.Destroy
}

// execute runs an activity and waits for it. Every activity of a case goes through here: a run with one in flight is not
// left.
func (c *incident) execute(ctx workflow.Context, o workflow.ActivityOptions, name string, in any) (json.RawMessage, error) {
	c.busy++
	defer func() { c.busy-- }()
	var raw json.RawMessage
	err := workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, o), name, in).Get(ctx, &raw)
	return raw, err
}

// callOf is what the activity is told. The key is the same in every attempt and every round, until a person sets another input:
// an activity that has done its work under a key answers with that.
func (c *incident) callOf(path, key string) activities.Call {
	return activities.Call{Case: c.State.Case, Step: path, Key: c.State.Case + "/" + key, DryRun: c.in.DryRun}
}

// key is the playbook's own idempotency key, where it has one.
func (c *incident) key(ctx workflow.Context, u *plan.Uses, at *frame, standard string) (string, error) {
	if u.Key == nil {
		return standard, nil
	}
	text, err := c.text(ctx, *u.Key, at, standard)
	if err == nil && text == "" {
		return standard, nil // an empty key would make one of all that have none
	}
	return text, err
}

// activityID is the step's path; a round after a hold is told apart, since an id is used once.
func (c *incident) activityID(path string) string {
	if n := c.Rounds[path]; n > 1 {
		return fmt.Sprintf("%s (round %d)", path, n)
	}
	return path
}

// values is an activity's input, as a value and as it travels.
type values struct {
	value any
	raw   json.RawMessage
	edit  string // what tells it from the playbook's own input in the key, where a person has set other values
}

// input evaluates a step's input. One that is too large, because it holds the record of a large case, is given a record
// without its largest outputs: a report that lacks some is worth more than none.
func (c *incident) input(ctx workflow.Context, u *plan.Uses, at *frame, path string) (values, error) {
	scope := c.scope(ctx, at)
	in, err := c.evaluated(u, at, scope, path)
	if err == nil && len(in.raw) > MaxInput {
		run := c.runVariable(ctx)
		run.Record = lighter(run.Record, len(in.raw)-MaxInput)
		scope.Run = run
		in, err = c.evaluated(u, at, scope, path)
	}
	if err == nil && len(in.raw) > MaxInput {
		return values{}, &failure{path, string(activities.InvalidInput),
			fmt.Sprintf("the input is %d bytes, more than %d", len(in.raw), MaxInput),
			"hand over a path of evidence instead of its content"}
	}
	return in, err
}

func (c *incident) evaluated(u *plan.Uses, at *frame, scope plan.Scope, path string) (values, error) {
	value, err := at.unit.eval.Value(u.With, scope)
	if err != nil {
		return values{}, expressionFailure(path, err)
	}
	own, err := json.Marshal(value)
	if err != nil {
		return values{}, expressionFailure(path, err)
	}
	set := c.Edits[path]
	if len(set) == 0 {
		return values{value: value, raw: own}, nil
	}
	in := values{value: edited(value, set)}
	if in.raw, err = json.Marshal(in.value); err != nil {
		return values{}, expressionFailure(path, err)
	}
	if !bytes.Equal(in.raw, own) {
		in.edit = fmt.Sprintf("/set-%x", sha256.Sum256(encode(set)))[:len("/set-")+16]
	}
	return in, nil
}

// edited is an input with the fields that a person set for the retry. Its own are not changed.
func edited(value any, set map[string]any) any {
	out := map[string]any{}
	if fields, ok := value.(map[string]any); ok {
		maps.Copy(out, fields)
	}
	maps.Copy(out, set)
	return out
}

// succeed records what the activity honestly says of itself.
func (c *incident) succeed(ctx workflow.Context, path string, output any) entry {
	result := resultOf(output)
	c.at(path).Output = output
	if result.Status == activities.Skipped {
		e := c.skip(ctx, path, result.Summary)
		e[outputKey] = output
		return e
	}
	return c.done(ctx, path, result.Summary, entry{outputKey: output})
}

func resultOf(output any) activities.Result {
	fields, _ := output.(map[string]any)
	status, _ := fields["status"].(string)
	summary, _ := fields["summary"].(string)
	return activities.Result{Status: activities.Status(status), Summary: summary}
}
