package main

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// job is what both are told.
type job struct {
	Case  string     `json:"case"`
	Steps int        `json:"steps"`
	Alert plan.Alert `json:"alert"`
}

// handIn is what an activity of a job that is written by hand needs to know: whose it is, which step, and its input.
type handIn struct {
	Call  activities.Call `json:"call"`
	Input nothingIn       `json:"input"`
}

// byHand is the same job as a Temporal workflow of its own: with ids, summaries and a retry policy, as the Web UI is read.
func byHand(ctx workflow.Context, in job) (int, error) {
	done := 0
	for i := range in.Steps {
		path := fmt.Sprintf("s%d", i)
		ctx := workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
			TaskQueue: handActivities, StartToCloseTimeout: time.Minute, HeartbeatTimeout: 15 * time.Second, ActivityID: path, Summary: "contain / " + path, WaitForCancellation: true,
			RetryPolicy: &temporal.RetryPolicy{
				InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: 30 * time.Second, MaximumAttempts: 5,
				NonRetryableErrorTypes: []string{"Forbidden", "InvalidInput", "NotFound", "Conflict", "GuardTripped", "Corrupt", "Unsupported"},
			},
		})
		var out nothingOut
		call := activities.Call{Case: in.Case, Step: path, Key: in.Case + "/" + path}
		if err := workflow.ExecuteActivity(ctx, Nothing, handIn{call, nothingIn{i}}).Get(ctx, &out); err != nil {
			return done, err
		}
		done++
	}
	return done, nil
}

// Nothing does nothing.
func Nothing(context.Context, handIn) (nothingOut, error) {
	return nothingOut{activities.Result{Status: activities.Done, Summary: "did nothing"}}, nil
}
