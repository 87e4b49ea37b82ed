package workflows

import (
	"encoding/json"
	"fmt"

	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// uses runs one activity.
func (c *incident) uses(ctx workflow.Context, s plan.Step, at *frame, path string) (entry, error) {
	input, err := c.input(ctx, s.Uses, at, path)
	if err != nil {
		return nil, err
	}
	call := c.call(path)
	summary := summaryOf(s.Phase, path, label(at, input.value))
	change := -1
	if s.Uses.Undoable && !c.in.DryRun {
		change = c.register(s.Uses, call, input.value, summary)
	}
	options := activityOptions(c.in.Cluster, s.Uses, c.activityID(path), summary)
	if s.OnError == plan.Continue {
		options.ScheduleToCloseTimeout = patience(s.Uses)
	}
	ctx = workflow.WithActivityOptions(ctx, options)
	var raw json.RawMessage
	err = workflow.ExecuteActivity(ctx, s.Uses.Activity, ActivityInput{Call: call, Input: input.raw}).Get(ctx, &raw)
	if err != nil {
		return nil, failureOf(path, err)
	}
	output, err := plan.Decode(raw)
	if err != nil {
		return nil, failureOf(path, err)
	}
	if change >= 0 {
		c.changes[change].Output = output
	}
	return c.succeed(ctx, path, output), nil
}

// call is what the activity is told. The key is the same in every attempt and every round.
func (c *incident) call(path string) activities.Call {
	return activities.Call{Case: c.state.Case, Step: path, Key: c.state.Case + "/" + path, DryRun: c.in.DryRun}
}

// activityID is the step's path; a round after a hold is told apart, since an id is used once.
func (c *incident) activityID(path string) string {
	if n := c.rounds[path]; n > 1 {
		return fmt.Sprintf("%s (round %d)", path, n)
	}
	return path
}

// values is an activity's input, as a value and as it travels.
type values struct {
	value any
	raw   json.RawMessage
}

// input evaluates a step's input. One that is too large, because it holds the record of a large case, is given a record
// without its largest outputs: a report that lacks some is worth more than none.
func (c *incident) input(ctx workflow.Context, u *plan.Uses, at *frame, path string) (values, error) {
	scope := c.scope(ctx, at)
	in, err := c.evaluated(u, scope, path)
	if err == nil && len(in.raw) > MaxInput {
		run := c.runVariable(ctx)
		run.Record = lighter(run.Record, len(in.raw)-MaxInput)
		scope.Run = run
		in, err = c.evaluated(u, scope, path)
	}
	if err == nil && len(in.raw) > MaxInput {
		return values{}, &failure{path, string(activities.InvalidInput),
			fmt.Sprintf("the input is %d bytes, more than %d", len(in.raw), MaxInput),
			"hand over a path of evidence instead of its content"}
	}
	return in, err
}

func (c *incident) evaluated(u *plan.Uses, scope plan.Scope, path string) (values, error) {
	value, err := c.eval.Value(u.With, scope)
	if err != nil {
		return values{}, expressionFailure(path, err)
	}
	raw, err := json.Marshal(value)
	if err != nil {
		return values{}, expressionFailure(path, err)
	}
	return values{value, raw}, nil
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
