package workflows

import (
	"encoding/json"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// ActivityInput is the one argument of every activity in Temporal.
type ActivityInput struct {
	Call  activities.Call `json:"call"`
	Input json.RawMessage `json:"input"`
	// Declared is what the plan takes for granted of the activity; empty where it does not say.
	Declared string `json:"declared,omitempty"`
}

// UndoActivityInput is the one argument of every activity's undo. Output is empty when the activity never reported.
type UndoActivityInput struct {
	Call   activities.Call `json:"call"`
	Input  json.RawMessage `json:"input"`
	Output json.RawMessage `json:"output,omitempty"`
}

// Limits on what travels through a history. A payload of more than 2 MiB would end the run.
const (
	MaxOutput = activities.MaxOutput // one activity's output; the worker refuses more
	MaxInput  = 1 << 20              // one activity's input
	MaxAlert  = 4 << 10              // one alert that is signalled: 10,000 of them, the most that a run takes, are 40 MiB
	maxJoined = 20                   // alerts kept as they were signalled
	maxGap    = time.Hour            // between two attempts, whatever the playbook says
)

// silence is how long a worker may be silent before its activity is given to another one.
const silence = 15 * time.Second

// Kinds of failure that the engine adds to the activities' own. They are types of errors in histories.
const (
	KindTemporary  = plan.Temporary // an error that retries did not mend
	KindThrottled  = plan.Throttled
	KindTimeout    = plan.Timeout
	KindStopped    = "Stopped"    // the worker was stopped in the middle of it: no fault of the step
	KindExpression = "Expression" // an expression of the playbook failed on this run's values
	KindCatalog    = "Catalog"    // the worker does not have the activity that the plan was compiled for
	KindAborted    = "Aborted"    // a person ended the case
)

// finalKinds are the kinds that no retry mends.
func finalKinds() []string {
	return []string{
		string(activities.Forbidden), string(activities.InvalidInput), string(activities.NotFound),
		string(activities.Conflict), string(activities.GuardTripped), string(activities.Corrupt),
		string(activities.Unsupported),
	}
}

func activityOptions(cluster string, u *plan.Uses, id, summary string) workflow.ActivityOptions {
	return workflow.ActivityOptions{
		TaskQueue:           queueOf(cluster, u.Place),
		StartToCloseTimeout: u.Timeout,
		HeartbeatTimeout:    heartbeat(u),
		WaitForCancellation: true, // a capture in flight stops gracefully and its outcome is recorded
		ActivityID:          id,
		Summary:             summary,
		RetryPolicy:         retryPolicy(u.Retry),
	}
}

// patience bounds a step that the run may go on without: by what all its attempts and the pauses between them take,
// also when no worker of its queue is there to begin one.
func patience(u *plan.Uses) time.Duration {
	attempts := max(u.Retry.Attempts, 1)
	total, pause := time.Duration(attempts)*u.Timeout, orDefault(u.Retry.Initial, time.Second)
	longest := min(orDefault(u.Retry.Max, 30*time.Second), maxGap)
	for range attempts - 1 {
		total += time.Duration(float64(min(pause, longest)) * (1 + u.Retry.Jitter))
		pause = min(time.Duration(float64(pause)*max(u.Retry.Backoff, 1)), longest)
	}
	return total
}

// heartbeat is always set: every activity's worker beats, so a killed worker is noticed long before the timeout.
func heartbeat(u *plan.Uses) time.Duration {
	if u.Heartbeat > 0 {
		return u.Heartbeat
	}
	return min(silence, u.Timeout)
}

func queueOf(cluster string, place activities.Place) string {
	if place == activities.OnAnalysis {
		return AnalysisQueue
	}
	return ClusterQueue(cluster)
}

func retryPolicy(r plan.Retry) *temporal.RetryPolicy {
	return &temporal.RetryPolicy{
		InitialInterval:        orDefault(r.Initial, time.Second),
		BackoffCoefficient:     max(r.Backoff, 1),
		MaximumInterval:        min(orDefault(r.Max, 30*time.Second), maxGap),
		MaximumAttempts:        int32(max(r.Attempts, 1)),
		NonRetryableErrorTypes: append(finalKinds(), r.Never...),
	}
}

func orDefault(d, standard time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return standard
}
