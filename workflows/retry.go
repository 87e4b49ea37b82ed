package workflows

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// patiently runs the activity with its retries. Temporal makes them, unless the playbook wants what Temporal's policy does
// not have: a condition on the failure, or waits that are not all alike.
func (c *incident) patiently(ctx workflow.Context, s plan.Step, at *frame, path string, o workflow.ActivityOptions, in ActivityInput) (json.RawMessage, error) {
	r := s.Uses.Retry
	if r.When == nil && r.Jitter == 0 {
		raw, err := c.execute(ctx, o, s.Uses.Activity, in)
		return raw, outcomeOf(path, err)
	}
	tries, id := path+"/retry", o.ActivityID
	for {
		o.RetryPolicy = &temporal.RetryPolicy{MaximumAttempts: 1}
		o.ActivityID = id + attempted(c.Tries[tries])
		raw, err := c.execute(ctx, o, s.Uses.Activity, in)
		if err == nil {
			delete(c.Tries, tries)
			return raw, nil
		}
		err = failureOf(path, err)
		c.Tries[tries]++
		if again, because := c.worthwhile(ctx, s, at, path, err, c.Tries[tries]); !again {
			delete(c.Tries, tries)
			return nil, because
		}
		pause := jittered(r, in.Call.Key, c.Tries[tries])
		if err := c.sleep(ctx, tries, pause, summaryOf(s.Phase, path, "waits to try again"), func() bool { return false }); err != nil {
			return nil, err
		}
	}
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
	if r.When == nil {
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
