package worker

import (
	"context"
	"encoding/json"
	"fmt"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/workflows"
)

// registerAll registers the activities of one place under their own names, and their undos beside them.
func registerAll(w worker.ActivityRegistry, catalog activities.Catalog, place activities.Place) {
	for _, d := range catalog.All() {
		if d.Place != place {
			continue
		}
		w.RegisterActivityWithOptions(runner(d), activity.RegisterOptions{Name: d.Name})
		if d.Undo != nil {
			w.RegisterActivityWithOptions(undoer(d), activity.RegisterOptions{Name: workflows.UndoActivity(d.Name)})
		}
	}
}

func runner(d activities.Definition) func(context.Context, workflows.ActivityInput) (json.RawMessage, error) {
	own, broken := activities.Essence(d)
	return func(ctx context.Context, in workflows.ActivityInput) (json.RawMessage, error) {
		if broken != nil {
			return nil, broken
		}
		if err := satisfies(d.Name, own, in.Declared); err != nil {
			return nil, err
		}
		out, err := d.Run(ctx, in.Call, in.Input)
		if err != nil {
			return nil, err
		}
		return out, checkSize(d.Name, out)
	}
}

// satisfies refuses a plan that was compiled for another declaration of the activity. Another worker of the queue may have
// the right one, so it is tried again.
func satisfies(name, own, wanted string) error {
	if wanted == "" || wanted == own {
		return nil
	}
	cause := fmt.Sprintf("this worker's %s is another than the plan was compiled for (%s, not %s)", name, own, wanted)
	advice := "run workers of the version that compiled the plan, then retry"
	return temporal.NewApplicationErrorWithOptions(cause+"; "+advice, workflows.KindCatalog, temporal.ApplicationErrorOptions{
		Details: []any{workflows.FailureDetails{Cause: cause, Advice: advice}},
	})
}

// checkSize refuses what would fill a history: 500 outputs of a foreach stand in one run.
func checkSize(name string, out json.RawMessage) error {
	if len(out) <= workflows.MaxOutput {
		return nil
	}
	return activities.Permanent(activities.Unsupported,
		fmt.Errorf("the output of %s is %d bytes; at most %d travel in a history", name, len(out), workflows.MaxOutput),
		"ask for less, or skip the step with a reason: what it captured stands in the evidence")
}

func undoer(d activities.Definition) func(context.Context, workflows.UndoActivityInput) error {
	return func(ctx context.Context, in workflows.UndoActivityInput) error {
		return d.Undo(ctx, in.Call, in.Input, in.Output)
	}
}
