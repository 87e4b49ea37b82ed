package workflows_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/workflows"
)

// A step that the run may go on without must not keep it waiting for a worker that is not there. Every other step waits.
func TestAStepThatMayBePassedOverIsBoundedAsAWhole(t *testing.T) {
	b := newBench(t)
	bounds := map[string]time.Duration{}
	b.RegisterActivityWithOptions(func(ctx context.Context, in workflows.ActivityInput) (json.RawMessage, error) {
		bounds[in.Call.Step] = activity.GetInfo(ctx).ScheduleToCloseTimeout
		return json.RawMessage(`{"status":"done"}`), nil
	}, activity.RegisterOptions{Name: "t.act"})
	passed, needed := use("passed", "t.act"), use("needed", "t.act")
	for _, s := range []*plan.Step{&passed, &needed} {
		s.Uses.Timeout, s.Uses.Retry = 5*time.Second, plan.Retry{Attempts: 4, Initial: time.Second, Backoff: 2, Max: 3 * time.Second}
	}
	passed.OnError = plan.Continue
	b.start([]plan.Step{passed, needed}, nil)
	if want := 4*5*time.Second + (1+2+3)*time.Second; bounds["passed"] != want {
		t.Errorf("bound to %s, want %s", bounds["passed"], want)
	}
	if bounds["needed"] != 0 && bounds["needed"] < time.Hour {
		t.Errorf("a step that must be done gives up after %s", bounds["needed"])
	}
}

// impatient is a step that the run goes on without, with retries that Temporal does not make. All its attempts and the
// pauses between them take at most that long.
func impatient() (step plan.Step, whole time.Duration) {
	when := source("error.kind != 'Conflict'")
	s := use("metrics", "t.query", onError(plan.Continue), func(s *plan.Step) {
		s.Uses.Timeout = 2 * time.Minute
		s.Uses.Retry = plan.Retry{Attempts: 8, Initial: 10 * time.Second, Backoff: 1, Max: 30 * time.Second, Jitter: 0.3, When: &when}
	})
	return s, 8*2*time.Minute + 7*13*time.Second
}

// queried makes each attempt take that long and fail, and notes until when it may take.
func (b *bench) queried(takes time.Duration, fails error, note func(until time.Time)) {
	b.RegisterActivityWithOptions(func(context.Context, workflows.ActivityInput) (json.RawMessage, error) { return nil, nil },
		activity.RegisterOptions{Name: "t.query"})
	b.OnActivity("t.query", mock.Anything, mock.Anything).After(takes).
		Return(func(ctx context.Context, in workflows.ActivityInput) (json.RawMessage, error) {
			b.note("t.query", in)
			note(b.Now().Add(-takes).Add(activity.GetInfo(ctx).ScheduleToCloseTimeout))
			return nil, fails
		})
}

func TestAStepWithItsOwnRetriesGivesUpWhereNoWorkerIs(t *testing.T) {
	b := newBench(t)
	b.does("t.act", ok("done"))
	step, whole := impatient()
	b.queried(whole, temporal.NewTimeoutError(enumspb.TIMEOUT_TYPE_SCHEDULE_TO_CLOSE, nil), func(time.Time) {})
	b.start([]plan.Step{step, use("after", "t.act")}, nil)
	if b.GetWorkflowError() != nil || b.calls("t.query") != 1 || b.calls("t.act") != 1 {
		t.Fatalf("%q, %v", b.ran(), b.GetWorkflowError())
	}
	if s := b.step("metrics"); s.Status != activities.StepFailed || !strings.Contains(s.Error, "no answer in time") {
		t.Fatalf("%+v", s)
	}
}

// TestAStepWithItsOwnRetriesHasOneDeadline also leaves the run behind each attempt.
func TestAStepWithItsOwnRetriesHasOneDeadline(t *testing.T) {
	for _, long := range []bool{false, true} {
		step, whole := impatient()
		var untils []time.Time
		var now time.Time
		runs := chain(t, planned([]plan.Step{step, use("after", "t.act")}, nil), 0, func(_ int, b *bench) {
			if !now.IsZero() {
				b.SetStartTime(now)
			}
			b.does("t.act", ok("done"))
			b.queried(2*time.Minute, temporal.NewApplicationError("try again", "Throttled"), func(until time.Time) {
				untils, now = append(untils, until), b.Now()
				if long {
					b.SetCurrentHistoryLength(4000)
				}
			})
		})
		calls := all(runs)
		if len(untils) != 8 || calls[len(calls)-1] != "t.act after" || long && len(runs) < 8 {
			t.Fatalf("%d runs, %q", len(runs), calls)
		}
		for i, until := range untils {
			if d := until.Sub(untils[0]).Abs(); d > 10*time.Second { // the test's own clock begins each run on whole seconds
				t.Errorf("attempt %d may go on for %s longer than the first, which may for %s", i+1, d, whole)
			}
		}
	}
}
