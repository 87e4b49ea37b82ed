package workflows

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// maxAhead is how many changes a look ahead tells.
const maxAhead = 50

func needsAhead(show []plan.Expr) bool {
	word := regexp.MustCompile(`\b` + plan.PlanVar + `\.`)
	for _, e := range show {
		if word.MatchString(e.Source) {
			return true
		}
	}
	return false
}

// foresight looks at the changes between an approval and the next one, each by a dry run of its step.
type foresight struct {
	c    *incident
	path string
	diff []any
	over bool               // a further approval, a stop, or enough
	all  workflow.WaitGroup // of the dry runs, which are made at once
}

// lookAhead bounds the whole look: people are asked then, whatever is known.
const lookAhead = time.Minute

// ahead is the variable `plan` of what an approval shows: the changes that a yes would let happen. What depends on steps
// that have not run yet says so.
func (c *incident) ahead(ctx workflow.Context, _ plan.Step, at *frame, path string) any {
	f := &foresight{c: c, path: path, diff: []any{}, all: workflow.NewWaitGroup(ctx)}
	for outer := at; outer != nil && !f.over; outer = outer.outer {
		f.steps(ctx, outer.rest, outer)
	}
	f.all.Wait(ctx)
	return map[string]any{"diff": f.diff}
}

func (f *foresight) steps(ctx workflow.Context, list []plan.Step, at *frame) {
	for _, s := range list {
		if f.over || f.c.stopping(ctx) != nil {
			return
		}
		f.step(ctx, s, at)
	}
}

func (f *foresight) step(ctx workflow.Context, s plan.Step, at *frame) {
	if s.If != nil {
		yes, err := at.unit.eval.Bool(*s.If, f.c.scope(ctx, at))
		if err == nil && !yes {
			return
		}
	}
	switch {
	case s.Approve != nil, s.Stop != nil:
		f.over = true
	case s.Uses != nil && changes(s.Uses):
		f.change(ctx, s, at)
	case s.Parallel != nil:
		f.steps(ctx, s.Parallel, at.inner(at.prefix+s.ID+"/", ""))
	case s.Foreach != nil:
		f.items(ctx, s, at)
	case s.Branch != nil:
		f.branch(ctx, s, at)
	case s.Switch != nil, s.Call != nil:
		f.say(at.prefix+s.ID, s, "", "what it changes depends on the run")
	}
}

func (f *foresight) items(ctx workflow.Context, s plan.Step, at *frame) {
	items, err := f.c.items(ctx, s.Foreach, at, at.prefix+s.ID)
	if err != nil {
		f.say(at.prefix+s.ID, s, "", "its items are not known yet")
		return
	}
	for i, item := range items {
		if f.over {
			return
		}
		f.steps(ctx, s.Foreach.Do, at.item(indexed(at.prefix+s.ID, i)+"/", s.Foreach.As, item))
	}
}

func (f *foresight) branch(ctx workflow.Context, s plan.Step, at *frame) {
	yes, err := at.unit.eval.Bool(s.Branch.Cond, f.c.scope(ctx, at))
	inside := at.inner(at.prefix+s.ID+"/", "")
	switch {
	case err != nil: // such as the answer that is asked for
		f.steps(ctx, s.Branch.Else, inside)
	case yes:
		f.steps(ctx, s.Branch.Then, inside)
	default:
		f.steps(ctx, s.Branch.Else, inside)
	}
}

// change asks a step's activity what it would do, beside the others. What does not answer in time says so.
func (f *foresight) change(ctx workflow.Context, s plan.Step, at *frame) {
	path := at.prefix + s.ID
	if len(f.diff) >= maxAhead {
		f.say(path, s, "", "")
		return
	}
	input, err := f.c.input(ctx, s.Uses, at, path)
	if err != nil {
		f.say(path, s, "", "what it acts on is not known yet")
		return
	}
	id := f.path + "/ahead/" + path
	u := *s.Uses
	u.Retry, u.Timeout = plan.Retry{Attempts: 2}, min(u.Timeout, 30*time.Second)
	options := activityOptions(f.c.in.Cluster, &u, f.c.activityID(id), summaryOf("ahead", path, label(at, input.value)))
	options.ScheduleToCloseTimeout = lookAhead
	call := f.c.callOf(path, id)
	call.DryRun = true
	told := f.say(path, s, label(at, input.value), "")
	f.all.Add(1)
	workflow.GoNamed(ctx, id, func(ctx workflow.Context) {
		defer f.all.Done()
		raw, err := f.c.execute(ctx, options, u.Activity, ActivityInput{Call: call, Input: input.raw})
		told["summary"] = Plain(foreseen(path, raw, err), 300)
	})
}

func foreseen(path string, raw json.RawMessage, err error) string {
	if err == nil {
		var output any
		if output, err = plan.Decode(raw); err == nil {
			return resultOf(output).Summary
		}
	}
	var late *temporal.TimeoutError
	if errors.As(err, &late) {
		return fmt.Sprintf("could not be looked at: nobody answered within %s", lookAhead)
	}
	return "cannot be told: " + failureOf(path, err).Error()
}

// say adds a line, and gives it back.
func (f *foresight) say(path string, s plan.Step, target, summary string) map[string]any {
	activity := ""
	if s.Uses != nil {
		activity = s.Uses.Activity
	}
	if len(f.diff) >= maxAhead {
		summary, f.over = fmt.Sprintf("and more: a look ahead tells %d changes", maxAhead), true
	}
	line := map[string]any{"step": path, "activity": activity, "target": target, "summary": Plain(summary, 300)}
	f.diff = append(f.diff, line)
	return line
}
