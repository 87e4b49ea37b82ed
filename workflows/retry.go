package workflows

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// patiently runs the activity with its retries. Temporal makes them, unless the playbook wants what Temporal's policy does
// not have: a condition on the failure, waits that are not all alike, or timeouts that are final.
func (c *incident) patiently(ctx workflow.Context, s plan.Step, at *frame, path string, o workflow.ActivityOptions, in ActivityInput) (json.RawMessage, error) {
	r := s.Uses.Retry
	if r.When == nil && r.Jitter == 0 && !slices.Contains(r.Never, KindTimeout) {
		raw, err := c.execute(ctx, o, s.Uses.Activity, in)
		return raw, outcomeOf(path, err)
	}
	again := retrying{c: c, step: s, at: at, path: path, key: in.Call.Key, tries: path + "/retry", whole: path + "/patience", most: o.ScheduleToCloseTimeout}
	id := o.ActivityID
	for {
		if err := again.pause(ctx); err != nil {
			return nil, err
		}
		o.RetryPolicy = &temporal.RetryPolicy{MaximumAttempts: 1}
		o.ActivityID = id + attempted(c.Tries[again.tries])
		if again.most > 0 {
			o.ScheduleToCloseTimeout = max(again.left(ctx), time.Millisecond)
		}
		raw, err := c.execute(ctx, o, s.Uses.Activity, in)
		if err == nil {
			again.forget()
			return raw, nil
		}
		if err := again.after(ctx, failureOf(path, err), pauseAsked(err)); err != nil {
			again.forget()
			return nil, err
		}
	}
}

// retrying is one activity's retries. What they have come to is kept in the Carry, under its own keys.
type retrying struct {
	c     *incident
	step  plan.Step
	at    *frame
	path  string
	key   string        // of the call
	tries string        // attempts so far, and the end of a pause
	whole string        // the end of all of it
	most  time.Duration // that all of it may take; zero: no limit
}

// pause waits for the next attempt, where there was one, and lets the run be left.
func (r retrying) pause(ctx workflow.Context) error {
	if r.c.Tries[r.tries] == 0 {
		return nil
	}
	if _, pausing := r.c.Deadlines[r.tries]; pausing {
		summary := summaryOf(r.step.Phase, r.path, "waits to try again")
		if err := r.c.sleep(ctx, r.tries, maxGap, summary, func() bool { return false }); err != nil {
			return err
		}
	}
	return r.c.gate(ctx)
}

// after begins the pause behind a failed attempt, at least the one that was asked for, or says what to make of the failure
// where it is not tried again.
func (r retrying) after(ctx workflow.Context, err error, asked time.Duration) error {
	c := r.c
	c.Tries[r.tries]++
	again, because := c.worthwhile(ctx, r.step, r.at, r.path, err, c.Tries[r.tries])
	if !again {
		return because
	}
	pause := max(jittered(r.step.Uses.Retry, r.key, c.Tries[r.tries]), asked)
	if r.most > 0 && r.left(ctx) <= pause { // the next attempt would have no time
		return err
	}
	c.left(ctx, r.tries, pause)
	return nil
}

func (r retrying) left(ctx workflow.Context) time.Duration { return r.c.left(ctx, r.whole, r.most) }

func (r retrying) forget() {
	delete(r.c.Tries, r.tries)
	delete(r.c.Deadlines, r.whole)
}

// pauseAsked is how long the activity itself wants to be left alone, such as by a service that throttles.
func pauseAsked(err error) time.Duration {
	var application *temporal.ApplicationError
	if errors.As(err, &application) {
		return min(application.NextRetryDelay(), maxGap)
	}
	return 0
}

func outcomeOf(path string, err error) error {
	if err == nil {
		return nil
	}
	return failureOf(path, err)
}

func attempted(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" (attempt %d)", n+1)
}

// worthwhile tells whether a failure is tried again, and otherwise what to make of it.
func (c *incident) worthwhile(ctx workflow.Context, s plan.Step, at *frame, path string, err error, tried int) (bool, error) {
	f, failed := err.(*failure) //nolint:errorlint // failureOf gives exactly that, or a cancellation
	r := s.Uses.Retry
	if !failed || tried >= max(r.Attempts, 1) || final(f.Kind, r.Never) {
		return false, err
	}
	if stop := c.stopping(ctx); stop != nil {
		return false, stop
	}
	if r.When == nil || f.Kind == KindStopped {
		return true, nil
	}
	scope := c.scope(ctx, at)
	scope.Vars[plan.ErrorVar] = failureValue(f)
	yes, broken := at.unit.eval.Bool(*r.When, scope)
	if broken != nil {
		return false, expressionFailure(path, broken)
	}
	return yes, err
}

func final(kind string, never []string) bool {
	for _, known := range append(finalKinds(), never...) {
		if kind == known {
			return true
		}
	}
	return false
}

// jittered is the pause after that many attempts, made shorter or longer by a share that the key decides: the same in
// every replay, and another one for each target.
func jittered(r plan.Retry, key string, tried int) time.Duration {
	pause := float64(orDefault(r.Initial, time.Second)) * math.Pow(max(r.Backoff, 1), float64(tried-1))
	pause = min(pause, float64(min(orDefault(r.Max, 30*time.Second), maxGap)))
	hash := fnv.New32a()
	fmt.Fprintf(hash, "%s#%d", key, tried)
	share := float64(hash.Sum32())/math.MaxUint32*2 - 1 // -1 to 1
	return max(time.Duration(pause*(1+share*r.Jitter)), time.Millisecond)
}
