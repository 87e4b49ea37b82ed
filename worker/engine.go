package worker

import (
	"context"
	"encoding/json"
	"fmt"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/workflows"
	"github.com/firebreak-ir/firebreak/workflows/cases"
)

// registerEngine registers every workflow, and the activities by which they ask Temporal about one another. These run on
// the interpreter's workers, which hold no credentials but Temporal's.
func registerEngine(w worker.Registry, of *cases.Cases) {
	i := workflows.New()
	w.RegisterWorkflowWithOptions(i.Case, workflow.RegisterOptions{Name: workflows.CaseWorkflow})
	w.RegisterWorkflowWithOptions(i.Undo, workflow.RegisterOptions{Name: workflows.UndoWorkflow})
	w.RegisterWorkflowWithOptions(i.Lock, workflow.RegisterOptions{Name: workflows.LockWorkflow})
	// The count of a cluster's rates lives longer than a build: it goes on with whichever is current.
	w.RegisterWorkflowWithOptions(i.Rate, workflow.RegisterOptions{Name: workflows.RateWorkflow, VersioningBehavior: workflow.VersioningBehaviorAutoUpgrade})
	w.RegisterWorkflowWithOptions(i.Sweep, workflow.RegisterOptions{Name: workflows.SweepWorkflow})
	w.RegisterActivityWithOptions(engine(of.RecentRuns), activity.RegisterOptions{Name: workflows.RecentRuns})
	w.RegisterActivityWithOptions(engine(of.TakeLock), activity.RegisterOptions{Name: workflows.TakeLock})
	w.RegisterActivityWithOptions(engine(of.CaseOpen), activity.RegisterOptions{Name: workflows.CaseOpen})
	w.RegisterActivityWithOptions(engine(of.OpenCases), activity.RegisterOptions{Name: workflows.OpenCases})
	w.RegisterActivityWithOptions(engine(of.ChangesOf), activity.RegisterOptions{Name: workflows.CaseChanges})
}

// engine gives a function the form of an activity.
func engine[In, Out any](do func(context.Context, In) (Out, error)) func(context.Context, workflows.ActivityInput) (json.RawMessage, error) {
	return func(ctx context.Context, in workflows.ActivityInput) (json.RawMessage, error) {
		var question In
		if err := json.Unmarshal(in.Input, &question); err != nil {
			return nil, activities.Invalid(fmt.Errorf("decode the input: %w", err), "run workers of one version")
		}
		answer, err := do(ctx, question)
		if err != nil {
			return nil, err
		}
		return json.Marshal(answer)
	}
}
