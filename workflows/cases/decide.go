package cases

import (
	"context"
	"fmt"

	"go.temporal.io/sdk/client"

	"github.com/firebreak-ir/firebreak/workflows"
)

// Decide answers a held step. A decision that the case does not take is ErrRefused with the reason, and leaves no trace.
func (c *Cases) Decide(ctx context.Context, of Case, d workflows.Decision) error {
	doing := fmt.Sprintf("%s step %q of case %s", d.Action, d.Path, of.ID)
	inner, done := context.WithTimeout(ctx, takeover)
	defer done()
	of, _, err := c.current(inner, of)
	if err != nil {
		return err
	}
	handle, err := c.client.UpdateWorkflow(inner, client.UpdateWorkflowOptions{
		WorkflowID: of.Workflow, RunID: of.Run, UpdateName: workflows.DecideUpdate, Args: []any{d},
		WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err == nil {
		err = handle.Get(inner, nil)
	}
	return c.silence(ctx, explain(doing, err))
}

// Cancel asks the case to end: nothing new is started, `finally` runs, and containment stays.
func (c *Cases) Cancel(ctx context.Context, of Case) error {
	ctx, done := context.WithTimeout(ctx, patience)
	defer done()
	of, _, err := c.current(ctx, of)
	if err != nil {
		return err
	}
	return explain("cancel case "+of.ID, c.client.CancelWorkflow(ctx, of.Workflow, of.Run))
}
