package workflows

import (
	"fmt"
	"slices"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// orphanReminder is how often people are told again of orphans that they know.
const orphanReminder = 24 * time.Hour

// namedOrphans is how many orphans a message names.
const namedOrphans = 10

// tellOrphans tells people what a sweep by the clock has found: what the run before had not found, and once a day what it had. It
// gives the time at which people were told last.
func tellOrphans(ctx workflow.Context, found SweepResult) time.Time {
	var before SweepResult
	if workflow.HasLastCompletionResult(ctx) {
		if err := workflow.GetLastCompletionResult(ctx, &before); err != nil {
			before = SweepResult{} // encrypted with a key that is gone: people are told once more
		}
	}
	now := workflow.Now(ctx)
	known := !slices.ContainsFunc(found.Orphans, func(o Orphan) bool { return !slices.Contains(before.Orphans, o) })
	told := !before.Told.IsZero() && now.Sub(before.Told) < orphanReminder
	switch {
	case len(found.Orphans) == 0:
		return time.Time{}
	case known && told:
		return before.Told
	}
	u := &plan.Uses{Place: activities.OnAnalysis, Timeout: 30 * time.Second, Retry: plan.Retry{Attempts: 5, Initial: time.Second, Backoff: 2, Max: 30 * time.Second}}
	options := activityOptions("", u, "tell", fmt.Sprintf("tells people of %d orphans", len(found.Orphans)))
	options.ScheduleToCloseTimeout = 5 * time.Minute
	if err := look(ctx, options, Notify, orphanMessage(found), new(map[string]any)); err != nil {
		workflow.GetLogger(ctx).Error("people were not told of orphans", "error", err)
		return time.Time{} // the next run tells them
	}
	return now
}

func orphanMessage(found SweepResult) map[string]any {
	text := "Nothing was changed. `firebreak sweep` says what to do."
	for _, o := range found.Orphans[:min(namedOrphans, len(found.Orphans))] {
		name := o.Name
		if o.Namespace != "" {
			name = o.Namespace + "/" + name
		}
		text += fmt.Sprintf(" %s %s: %s by case %q (%s).", o.Kind, name, o.Mark, o.Case, o.Standing)
	}
	if more := len(found.Orphans) - namedOrphans; more > 0 {
		text += fmt.Sprintf(" And %d more.", more)
	}
	return map[string]any{
		"title":    Plain(fmt.Sprintf("%d changes on %s belong to no open case", len(found.Orphans), found.Cluster), 300),
		"text":     Plain(text, 1000),
		"severity": "Warning", "cluster": found.Cluster, "to": audience{},
	}
}
