package workflows_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/workflows"
)

// TestNeverMakesAFailureFinal: of the kinds that are retried otherwise.
func TestNeverMakesAFailureFinal(t *testing.T) {
	late := temporal.NewTimeoutError(enums.TIMEOUT_TYPE_START_TO_CLOSE, nil)
	failing := map[string]error{
		"Temporary": temporal.NewApplicationError("x", "Temporary"), "Throttled": temporal.NewApplicationError("x", "Throttled"),
		"Timeout": late, "Stopped": temporal.NewApplicationError("x", "Stopped"),
	}
	tests := []struct {
		fails string
		never []string
		calls int
	}{
		{"Temporary", nil, 3}, {"Temporary", []string{"Temporary"}, 1}, {"Temporary", []string{"Throttled", "Timeout"}, 3},
		{"Throttled", []string{"Throttled"}, 1}, {"Throttled", []string{"Timeout"}, 3},
		{"Timeout", nil, 3}, {"Timeout", []string{"Timeout"}, 1}, {"Timeout", []string{"Temporary"}, 3},
		{"Stopped", []string{"Temporary", "Throttled", "Timeout"}, 3},
	}
	for _, test := range tests {
		t.Run(fmt.Sprintf("%s never %v", test.fails, test.never), func(t *testing.T) {
			b := newBench(t)
			calls := 0
			b.RegisterActivityWithOptions(func(context.Context, workflows.ActivityInput) (json.RawMessage, error) { return nil, nil },
				activity.RegisterOptions{Name: "t.fails"})
			b.OnActivity("t.fails", mock.Anything, mock.Anything).Return(func(context.Context, workflows.ActivityInput) (json.RawMessage, error) {
				calls++
				return nil, failing[test.fails]
			})
			b.start([]plan.Step{use("a", "t.fails", onError(plan.Continue), func(s *plan.Step) { s.Uses.Retry.Never = test.never })}, nil)
			if calls != test.calls {
				t.Errorf("%d calls, want %d", calls, test.calls)
			}
		})
	}
}

// TestAPauseThatAServiceAsksForIsKept: also where the retries are the workflow's own.
func TestAPauseThatAServiceAsksForIsKept(t *testing.T) {
	b := newBench(t)
	b.does("t.fails", func(string, int32, json.RawMessage) (any, error) {
		return nil, temporal.NewApplicationErrorWithOptions("slower", "Throttled", temporal.ApplicationErrorOptions{NextRetryDelay: 5 * time.Minute})
	})
	begin := b.Now()
	b.start([]plan.Step{use("a", "t.fails", onError(plan.Fail), func(s *plan.Step) { s.Uses.Retry.Jitter = 0.5 })}, nil)
	if took := b.state().Ended.Sub(begin); b.calls("t.fails") != 3 || took < 10*time.Minute {
		t.Fatalf("%d calls in %s", b.calls("t.fails"), took)
	}
}
