package workflows

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// approve asks people and goes on with what they choose.
func (c *incident) approve(ctx workflow.Context, s plan.Step, at *frame, path string) (entry, error) {
	q := c.restored(path)
	if q == nil {
		var auto *answer
		var err error
		if q, auto, err = c.question(ctx, s, at, path); err != nil {
			return nil, err
		}
		if auto != nil {
			return c.approved(ctx, path, q, auto), nil
		}
	}
	got, err := c.ask(ctx, &asked{Question: q, unit: at.unit}, s.Approve.Remind)
	switch {
	case err != nil:
		return nil, err
	case got == nil:
		return c.unanswered(ctx, s, path, q)
	}
	return c.approved(ctx, path, q, got), nil
}

// restored gives the question that a run before this one had asked.
func (c *incident) restored(path string) *Question {
	i := slices.IndexFunc(c.State.Questions, func(q *Question) bool { return q.Step == path })
	if i < 0 {
		return nil
	}
	return c.State.Questions[i]
}

// question makes the question, and the answer where nobody needs to be asked.
func (c *incident) question(ctx workflow.Context, s plan.Step, at *frame, path string) (*Question, *answer, error) {
	title, err := c.text(ctx, s.Approve.Title, at, path)
	if err != nil {
		return nil, nil, err
	}
	q := &Question{Step: path, Title: Plain(title, 300), Choices: s.Approve.Choices, Circles: []string{s.Approve.From}}
	auto, err := c.automatic(ctx, s, at, path)
	if err != nil {
		return nil, nil, err
	}
	if auto == nil || c.in.Mode == plan.Drill {
		if q.Shown, err = c.shown(ctx, s, at, path); err != nil {
			return nil, nil, err
		}
	}
	q.Hash = hashOf(q)
	q.schedule(s.Approve, workflow.Now(ctx))
	return q, auto, nil
}

// automatic gives the first choice, or the drill's, where the playbook says that nobody is asked.
func (c *incident) automatic(ctx workflow.Context, s plan.Step, at *frame, path string) (*answer, error) {
	a := s.Approve
	if a.SkipWhen != nil {
		skip, err := at.unit.eval.Bool(*a.SkipWhen, c.scope(ctx, at))
		if err != nil {
			return nil, expressionFailure(path, err)
		}
		if skip {
			return &answer{choice: a.Choices[0], automatic: "auto-approved because " + a.SkipWhen.Source}, nil
		}
	}
	choice := a.OnDrill
	if choice == "" {
		choice = a.Choices[0]
	}
	switch {
	case c.in.Mode == plan.Drill:
		return &answer{choice: choice, automatic: "answered by the policy for drills"}, nil
	case c.in.DryRun:
		return &answer{choice: choice, automatic: "assumed in a dry run"}, nil
	}
	return nil, nil
}

func (q *Question) schedule(a *plan.Approve, now time.Time) {
	q.Asked = now
	if a.Timeout > 0 {
		q.Deadline = now.Add(a.Timeout)
	}
	if a.Remind > 0 {
		q.Remind = now.Add(a.Remind)
	}
	for _, e := range a.Escalate {
		q.Ladder = append(q.Ladder, Rung{At: now.Add(e.After), To: e.To})
	}
}

// hashOf is what a person's decision names as seen.
func hashOf(q *Question) string {
	raw := encode(map[string]any{"title": q.Title, "choices": q.Choices, "shown": q.Shown})
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

// shown evaluates what people see before they decide.
func (c *incident) shown(ctx workflow.Context, s plan.Step, at *frame, path string) (any, error) {
	if len(s.Approve.Show) == 0 {
		return nil, nil
	}
	scope := c.scope(ctx, at)
	if needsAhead(s.Approve.Show) {
		scope.Vars[plan.PlanVar] = c.ahead(ctx, s, at, path)
	}
	shown := map[string]any{}
	for _, e := range s.Approve.Show {
		value, err := at.unit.eval.Value(plan.Value{Expr: &e}, scope)
		if err != nil {
			return nil, expressionFailure(path, err)
		}
		shown[e.Source] = value
	}
	if len(encode(shown)) > MaxOutput {
		return nil, &failure{path, string(activities.InvalidInput), fmt.Sprintf("what is shown is larger than %d bytes", MaxOutput),
			"skip the step with a reason, or abort and show less"}
	}
	return shown, nil
}

// approved is the step's output: who chose what, seeing what, or why nobody was asked.
func (c *incident) approved(ctx workflow.Context, path string, q *Question, a *answer) entry {
	votes := make([]any, 0, len(q.Votes))
	for _, v := range q.Votes {
		votes = append(votes, map[string]any{"by": v.By, "choice": v.Choice, "comment": v.Comment, "at": v.At.Format(time.RFC3339Nano)})
	}
	summary := fmt.Sprintf("%s, by %s", a.choice, a.by)
	switch {
	case a.automatic != "":
		summary = a.choice + ": " + a.automatic
		c.noteAutomatic(ctx, q, a.choice, a.automatic)
	case a.comment != "":
		summary += ": " + a.comment
	}
	return c.gives(ctx, path, Plain(summary, 500), map[string]any{
		"choice": a.choice, "by": a.by, "comment": a.comment, "hash": q.Hash, "automatic": a.automatic,
		"at": workflow.Now(ctx).Format(time.RFC3339Nano), "votes": votes,
	})
}

// noteAutomatic puts an answer that nobody gave beside those of people: who reads the record sees that nobody was asked, or
// that nobody answered, and why the run went on.
func (c *incident) noteAutomatic(ctx workflow.Context, q *Question, choice, why string) {
	c.State.Decided = append(c.State.Decided, activities.Decided{
		Step: q.Step, About: q.Title, Choice: choice, Why: Plain(why, 500), At: workflow.Now(ctx), Automatic: true,
	})
}

// unanswered does what the playbook says where nobody has decided in time.
func (c *incident) unanswered(ctx workflow.Context, s plan.Step, path string, q *Question) (entry, error) {
	late := fmt.Sprintf("no decision within %s", s.Approve.Timeout)
	f := &failure{path, KindTimeout, late, "retry to ask again, or skip the step with a reason"}
	switch s.Approve.OnTimeout {
	case "", string(plan.Hold):
		return nil, f
	case string(plan.Fail):
		c.noteAutomatic(ctx, q, "fail", late)
		return nil, f
	}
	return c.approved(ctx, path, q, &answer{choice: s.Approve.OnTimeout, automatic: late}), nil
}

// lapsed tells whether nobody answered an approval that says `onTimeout: fail`: what else would be held fails the run then.
func lapsed(s plan.Step, f *failure) bool {
	return s.Approve != nil && s.Approve.OnTimeout == string(plan.Fail) && f.Kind == KindTimeout
}
