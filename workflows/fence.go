package workflows

import (
	"encoding/json"
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

const fenceRule = "drill fence"

// fence keeps a drill within the targets that are marked for it. What cannot carry the label, or does not say what it acts
// on, is outside.
func (in *inspection) fence() []trip {
	if in.c.in.Mode != plan.Drill {
		return nil
	}
	if why := outside(in.blind, in.targets, in.known); why != "" {
		return []trip{{fenceRule, why, nil}}
	}
	return nil
}

// outside says why something is outside of the fence of a drill; empty: it is inside.
func outside(blind string, targets []Target, known map[string]description) string {
	if blind != "" {
		return blind + " does not say what it changes, and a drill changes only what is labelled " + DrillLabel + "=true"
	}
	var list []string
	for _, t := range targets {
		if d := known[t.key()]; !d.Exists || d.Labels[DrillLabel] != "true" {
			list = append(list, t.String())
		}
	}
	if len(list) == 0 {
		return ""
	}
	return fmt.Sprintf("a drill changes only what is labelled %s=true, which %s not", DrillLabel, are(list))
}

// reaches tells whether an undo changes anything beside what its change was about. That one was inside the fence when it was
// changed, and is taken back whatever became of its label.
func (u Undoable) reaches() bool {
	return u.Instead != nil && (u.Instead.Blind || len(u.Instead.Targets) > 0)
}

// fence is asked again before a rollback of a drill: labels may have changed since the change was let through.
func (c *incident) fence(ctx workflow.Context, path string, change Undoable) error {
	if c.in.Mode != plan.Drill || !change.reaches() {
		return nil
	}
	in := &inspection{
		c: c, step: plan.Step{Phase: c.State.Phase}, path: path, blind: change.Instead.blind(),
		targets: change.Instead.Targets, known: map[string]description{},
	}
	if err := in.describe(ctx); err != nil {
		return err
	}
	trips := in.fence()
	in.note(ctx, trips, "")
	if len(trips) > 0 {
		return in.tripped(trips, "")
	}
	return nil
}

// fence keeps the undo of a drill within the targets that are marked for drills.
func (r *retraction) fence(ctx workflow.Context, path string, change Undoable) error {
	if !r.in.Drill || !change.reaches() {
		return nil
	}
	its := *change.Instead
	known, err := r.describe(ctx, path, its.Targets)
	if err != nil {
		return err
	}
	if why := outside(its.blind(), its.Targets, known); why != "" {
		return &failure{path, string(activities.GuardTripped), "guard " + fenceRule + ": " + why, "nothing was changed; take it back by hand where that is right"}
	}
	return nil
}

func (r *retraction) describe(ctx workflow.Context, path string, targets []Target) (map[string]description, error) {
	known := map[string]description{}
	if len(targets) == 0 {
		return known, nil
	}
	path += "/guards"
	options := activityOptions(r.in.Cluster, looking(), path, summaryOf("undo", path, "looks at "+targets[0].String()))
	call := activities.Call{Case: r.in.Case, Step: path, Key: r.in.Case + "/" + path}
	var raw json.RawMessage
	err := workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, options), DescribeTargets,
		ActivityInput{Call: call, Input: encode(map[string]any{"targets": targets})}).Get(ctx, &raw)
	if err != nil {
		return nil, failureOf(path, err)
	}
	answer, err := readFacts(path, raw, len(targets))
	for i, t := range targets {
		if err == nil {
			known[t.key()] = answer.Targets[i]
		}
	}
	return known, err
}

// looking is how the activity that looks at targets is run.
func looking() *plan.Uses {
	return &plan.Uses{Place: activities.OnCluster, Timeout: time.Minute, Retry: plan.Retry{Attempts: 5}}
}
