package workflows_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"

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
