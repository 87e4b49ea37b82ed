package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/workflows"
)

// around is what happens around every activity, once: heartbeats, the translation of errors, one log line, and a panic
// that ends one attempt instead of the worker.
type around struct {
	interceptor.WorkerInterceptorBase

	log *slog.Logger
}

// InterceptActivity puts the interceptor around one worker's activities.
func (a *around) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	return &aroundActivity{ActivityInboundInterceptorBase: interceptor.ActivityInboundInterceptorBase{Next: next}, log: a.log}
}

type aroundActivity struct {
	interceptor.ActivityInboundInterceptorBase

	log *slog.Logger
}

// ExecuteActivity runs one attempt.
func (a *aroundActivity) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	info := activity.GetInfo(ctx)
	log := a.log.With("activity", info.ActivityType.Name, "step", info.ActivityID, "workflow", info.WorkflowExecution.ID,
		"attempt", info.Attempt)
	r := reporter{ctx, resume(ctx)}
	stop := r.keepBeating(info.HeartbeatTimeout / 3)
	defer stop()
	start := time.Now()
	out, err := a.guarded(activities.WithAttempt(activities.WithReporter(ctx, r), attemptOf(info, in.Args)), in, log)
	took := time.Since(start).Round(time.Millisecond)
	if err != nil {
		log.Debug("activity failed", "took", took, "error", err) // the SDK logs it as an error
		return nil, translate(ctx, err)
	}
	log.Info("activity done", "took", took)
	return out, nil
}

// attemptOf counts the attempts of a call over the rounds after holds, in each of which Temporal counts from one again: a
// round has an activity id of its own, and the call's step has not.
func attemptOf(info activity.Info, args []any) int {
	if len(args) == 1 {
		if in, ok := args[0].(workflows.ActivityInput); ok && in.Call.Step == info.ActivityID {
			return int(info.Attempt)
		}
	}
	return int(info.Attempt) + 1
}

// guarded turns a panic into an error: its stack belongs to the log, not to the history.
func (a *aroundActivity) guarded(ctx context.Context, in *interceptor.ExecuteActivityInput, log *slog.Logger) (out any, err error) {
	defer func() {
		if p := recover(); p != nil {
			log.Error("activity panicked", "panic", p, "stack", string(debug.Stack()))
			out, err = nil, fmt.Errorf("the activity panicked: %v; the worker's log has the stack", p)
		}
	}()
	return a.Next.ExecuteActivity(ctx, in)
}

// stopping tells whether the worker is going down.
func stopping(ctx context.Context) bool {
	select {
	case <-activity.GetWorkerStopChannel(ctx):
		return true
	default:
		return false
	}
}

// errStopping is what an activity failed with that was cut off by its worker's end.
var errStopping = errors.New("the worker was stopped; another attempt goes on")
