package workflows

import (
	"errors"
	"fmt"

	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// loop is one foreach as it runs. Results and errors stand by index, whatever order the items end in.
type loop struct {
	c       *incident
	step    plan.Step
	at      *frame
	path    string
	items   []any
	results []any
	errs    []error
	worst   error // of those so far
}

// foreach runs its steps for each item, at most Concurrency of them at a time.
func (c *incident) foreach(ctx workflow.Context, s plan.Step, at *frame, path string) (entry, error) {
	items, known := c.Lists[path]
	if !known {
		var err error
		if items, err = c.items(ctx, s.Foreach, at, path); err != nil {
			return nil, err
		}
		c.Lists[path] = items
	}
	l := loop{c: c, step: s, at: at, path: path, items: items, results: make([]any, len(items)), errs: make([]error, len(items))}
	if err := l.run(ctx); err != nil {
		return nil, err
	}
	delete(c.Lists, path)
	return l.sum(ctx), nil
}

func (c *incident) items(ctx workflow.Context, f *plan.Foreach, at *frame, path string) ([]any, error) {
	items, err := at.unit.eval.List(f.In, c.scope(ctx, at))
	if err != nil {
		return nil, expressionFailure(path, err)
	}
	if limit := mostOf(f); len(items) > limit {
		return nil, &failure{path, string(activities.GuardTripped),
			fmt.Sprintf("%d items are more than the limit of %d", len(items), limit), tooMany(f, len(items))}
	}
	return items, nil
}

func mostOf(f *plan.Foreach) int {
	if f.Max == 0 {
		return plan.UsualItems
	}
	return min(f.Max, plan.MostItems)
}

// tooMany is what to do about so many items.
func tooMany(f *plan.Foreach, items int) string {
	advice := "see whether so many targets are right; then skip the step with a reason, or abort and "
	switch {
	case items > plan.MostItems:
		return fmt.Sprintf("%sgo through the list in parts: no foreach takes more than %d", advice, plan.MostItems)
	case f.Max == 0:
		return fmt.Sprintf("%sset `max`, which is %d where the playbook does not say and at most %d", advice, plan.UsualItems, plan.MostItems)
	}
	return fmt.Sprintf("%sraise `max`, to at most %d", advice, plan.MostItems)
}

func (l *loop) run(ctx workflow.Context) error {
	slots := workflow.NewSemaphore(ctx, int64(max(l.step.Foreach.Concurrency, 1)))
	all := workflow.NewWaitGroup(ctx)
	var stopped error
	for i := range l.items {
		if stopped = slots.Acquire(ctx, 1); stopped != nil {
			break
		}
		if stopped = l.stopping(ctx); stopped != nil {
			break
		}
		all.Add(1)
		workflow.GoNamed(ctx, l.prefix(i), func(ctx workflow.Context) {
			defer all.Done()
			defer slots.Release(1)
			l.errs[i] = l.item(ctx, i)
			l.worst = gravest([]error{l.worst, l.errs[i]})
		})
	}
	all.Wait(ctx)
	return l.verdict(stopped)
}

// stopping says why no further item is started: the run ends, or an item failed and that is not to be passed over.
func (l *loop) stopping(ctx workflow.Context) error {
	if err := l.c.stopping(ctx); err != nil {
		return err
	}
	return l.passing(l.worst)
}

func (l *loop) prefix(i int) string { return indexed(l.path, i) }

func (l *loop) item(ctx workflow.Context, i int) error {
	inside := l.at.item(l.prefix(i)+"/", l.step.Foreach.As, l.items[i])
	if err := l.c.steps(ctx, l.step.Foreach.Do, inside); err != nil {
		return err
	}
	l.results[i] = inside.into(entry{statusKey: string(activities.StepDone)})
	return nil
}

// verdict is what the foreach makes of its items.
func (l *loop) verdict(stopped error) error {
	return l.passing(gravest(append(l.errs, stopped)))
}

// passing lets failed items pass where the foreach continues. An abort, a cancellation and a `stop` always end it.
func (l *loop) passing(err error) error {
	var end *ended
	if errors.As(err, &end) && l.step.Foreach.OnError == plan.Continue {
		return nil
	}
	return err
}

// sum is what expressions see: items in input order; a failed one has no steps inside, and tells its error.
func (l *loop) sum(ctx workflow.Context) entry {
	failures := 0
	for i, err := range l.errs {
		if err != nil {
			failures++
			l.results[i] = entry{statusKey: string(activities.StepFailed), errorKey: err.Error()}
		}
	}
	summary := fmt.Sprintf("%d items", len(l.items))
	if failures > 0 {
		summary = fmt.Sprintf("%d of %d items failed", failures, len(l.items))
	}
	return l.c.done(ctx, l.path, summary, entry{itemsKey: l.results})
}
