package workflows

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/workflows/authority"
)

// ask waits for an answer, reminds and escalates meanwhile. Neither an answer nor an error means that the time is up.
func (c *incident) ask(ctx workflow.Context, q *asked, remind time.Duration) (*answer, error) {
	c.pose(ctx, q)
	got, err := c.await(ctx, q, remind)
	c.settleQuestion(ctx, q)
	return got, err
}

func (c *incident) await(ctx workflow.Context, q *asked, remind time.Duration) (*answer, error) {
	for {
		if err := c.stopping(ctx); err != nil {
			return nil, err
		}
		if q.answer != nil {
			return q.answer, nil
		}
		now := workflow.Now(ctx)
		if !q.Deadline.IsZero() && !now.Before(q.Deadline) {
			return nil, nil
		}
		c.duties(ctx, q, remind, now)
		c.untilDue(ctx, q)
	}
}

// pose opens a question, or takes up one that the run before had open: then people were told already.
func (c *incident) pose(ctx workflow.Context, q *asked) {
	known := slices.Contains(c.State.Questions, q.Question)
	q.Of = q.circles()
	if !known {
		c.State.Questions = append(c.State.Questions, q.Question)
	}
	c.asked = append(c.asked, q)
	c.measure(ctx)
	c.show(ctx)
	c.markOpen(ctx)
	if !known {
		c.tell(ctx, "asks: "+q.Title, q.Step, fmt.Sprintf("%s is asked to choose: %s", strings.Join(q.Circles, ", "), strings.Join(q.Choices, ", ")), q.Of)
	}
}

func (c *incident) settleQuestion(ctx workflow.Context, q *asked) {
	c.asked = slices.DeleteFunc(c.asked, func(other *asked) bool { return other == q })
	c.State.Questions = slices.DeleteFunc(c.State.Questions, func(other *Question) bool { return other == q.Question })
	c.show(ctx)
	c.markOpen(ctx)
}

// duties does what is due: a reminder, the next circle.
func (c *incident) duties(ctx workflow.Context, q *asked, remind time.Duration, now time.Time) {
	for len(q.Ladder) > 0 && !now.Before(q.Ladder[0].At) {
		to := q.Ladder[0].To
		q.Ladder = q.Ladder[1:]
		if !slices.Contains(q.Circles, to) {
			q.Circles = append(slices.Clone(q.Circles), to)
			q.Of = q.circles()
		}
		c.tell(ctx, "asks, and nobody has decided: "+q.Title, q.Step, "escalated to "+to, q.circle(to))
		c.show(ctx)
	}
	for !q.Remind.IsZero() && !now.Before(q.Remind) {
		q.Remind = q.Remind.Add(max(remind, time.Second))
		if now.Before(q.Remind) {
			c.tell(ctx, "still asks: "+q.Title, q.Step, "nobody has decided since "+q.Asked.UTC().Format(time.RFC3339), q.Of)
		}
	}
}

// untilDue sleeps until somebody answers, something is due, or the case ends.
func (c *incident) untilDue(ctx workflow.Context, q *asked) {
	ready := func() bool { return q.answer != nil || c.stopping(ctx) != nil }
	next := q.next()
	if next.IsZero() {
		_ = workflow.Await(ctx, ready) // ask looks again
		return
	}
	_, _ = workflow.AwaitWithOptions(ctx, workflow.AwaitOptions{
		Timeout: max(next.Sub(workflow.Now(ctx)), time.Millisecond), TimerOptions: workflow.TimerOptions{Summary: "waits for a decision on " + q.Step},
	}, ready)
}

// takeVotes answers the update `approve`. What the validator refuses never enters the history.
func (c *incident) takeVotes(ctx workflow.Context) error {
	return workflow.SetUpdateHandlerWithOptions(ctx, ApproveUpdate, c.vote, workflow.UpdateHandlerOptions{
		Validator:   c.checkVote,
		Description: "Answer what the case asks: one of the choices of an open approval",
	})
}

func (c *incident) checkVote(ctx workflow.Context, d authority.Decision) error {
	_, _, _, err := c.voter(ctx, d)
	return err
}

// voter says what a decision answers, who made it, and for which circles it counts.
func (c *incident) voter(ctx workflow.Context, d authority.Decision) (*asked, authority.Person, []string, error) {
	q, err := c.open(d.Step)
	if err != nil {
		return nil, authority.Person{}, nil, err
	}
	who, err := c.in.Authority.Verify(d, workflow.Now(ctx))
	if err != nil {
		return nil, who, nil, notAllowed(err)
	}
	circles, err := q.counts(who, c.requesters(d.Step))
	switch {
	case c.aborted != nil && c.End == nil:
		err = fmt.Errorf("the case is ending already: %w", c.aborted)
	case err != nil:
	case who.Proven && d.Case != c.State.Case:
		err = fmt.Errorf("the decision is about case %q, and this is %q", d.Case, c.State.Case)
	case c.spent(d.Nonce):
		err = errTaken
	case !slices.Contains(q.Choices, d.Choice):
		err = fmt.Errorf("%q is none of the choices: %s", d.Choice, strings.Join(q.Choices, ", "))
	case (who.Proven || d.Shown != "") && d.Shown != q.Hash:
		err = fmt.Errorf("what %s saw is not what is asked now; look again, then decide", who.Subject)
	case slices.ContainsFunc(q.Votes, func(v Vote) bool { return v.By == signedName(who) }):
		err = fmt.Errorf("%s has decided already", who.Subject)
	case q.answer != nil:
		err = fmt.Errorf("step %q is decided already", d.Step)
	}
	return q, who, circles, err
}

// signedName is how a person stands in the record: one who is not proven is marked.
func signedName(p authority.Person) string {
	if p.Proven {
		return Plain(p.Subject, 200)
	}
	return Plain(p.Subject, 200) + " (not authenticated)"
}

func (c *incident) open(step string) (*asked, error) {
	var paths []string
	for _, q := range c.asked {
		if q.Step == step {
			return q, nil
		}
		paths = append(paths, q.Step)
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("the case asks nothing now, also not at step %q", step)
	}
	return nil, fmt.Errorf("the case asks nothing at step %q; it asks at %q", step, paths)
}

func (c *incident) vote(ctx workflow.Context, d authority.Decision) error {
	q, who, circles, err := c.voter(ctx, d)
	if err != nil {
		return err
	}
	v := Vote{By: signedName(who), Choice: d.Choice, Comment: Plain(d.Comment, 1000), At: workflow.Now(ctx), Circles: circles}
	if who.Proven {
		v.Proof = &d
	}
	q.Votes = append(slices.Clone(q.Votes), v)
	c.State.Decided = append(c.State.Decided, activities.Decided{Step: q.Step, Choice: v.Choice, By: v.By, Why: v.Comment, At: v.At, Nonce: d.Nonce, About: q.Title})
	q.answer = q.tally()
	c.show(ctx)
	return nil
}
