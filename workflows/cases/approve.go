package cases

import (
	"context"
	"fmt"

	"go.temporal.io/sdk/client"

	"github.com/firebreak-ir/firebreak/workflows"
	"github.com/firebreak-ir/firebreak/workflows/authority"
)

// Approve answers what a case asks. An answer that the case does not take is ErrRefused with the reason, and leaves no
// trace in its history.
func (c *Cases) Approve(ctx context.Context, of Case, d authority.Decision) error {
	return c.update(ctx, of, fmt.Sprintf("answer step %q of case %s", d.Step, of.ID), workflows.ApproveUpdate, d.Nonce, d)
}

// Tell sends a named signal to a case, for its `wait` steps.
func (c *Cases) Tell(ctx context.Context, of Case, signal workflows.Note) error {
	ctx, done := context.WithTimeout(ctx, patience)
	defer done()
	of, _, err := c.current(ctx, of)
	if err != nil {
		return err
	}
	return explain("signal case "+of.ID, c.client.SignalWorkflow(ctx, of.Workflow, of.Run, workflows.NoteSignal, signal))
}

// update sends one update to the run of the case that is going on. An id makes a second one of the same id a repetition.
func (c *Cases) update(ctx context.Context, of Case, doing, name, id string, arg any) error {
	inner, done := context.WithTimeout(ctx, takeover)
	defer done()
	of, _, err := c.current(inner, of)
	if err != nil {
		return err
	}
	handle, err := c.client.UpdateWorkflow(inner, client.UpdateWorkflowOptions{
		UpdateID: id, WorkflowID: of.Workflow, RunID: of.Run, UpdateName: name, Args: []any{arg},
		WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err == nil {
		err = handle.Get(inner, nil)
	}
	return c.silence(ctx, of, explain(doing, err))
}
