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
	return c.toCurrent(ctx, of, func(now Case) error {
		return explain("signal case "+of.ID, c.client.SignalWorkflow(ctx, now.Workflow, now.Run, workflows.NoteSignal, signal))
	})
}

// update sends one update to the run of the case that is going on. An id makes a second one of the same id a repetition.
func (c *Cases) update(ctx context.Context, of Case, doing, name, id string, arg any) error {
	inner, done := context.WithTimeout(ctx, takeover)
	defer done()
	return c.toCurrent(inner, of, func(now Case) error {
		handle, err := c.client.UpdateWorkflow(inner, client.UpdateWorkflowOptions{
			UpdateID: id, WorkflowID: now.Workflow, RunID: now.Run, UpdateName: name, Args: []any{arg},
			WaitForStage: client.WorkflowUpdateStageCompleted,
		})
		if err == nil {
			err = handle.Get(inner, nil)
		}
		return c.silence(ctx, of, explain(doing, err))
	})
}
