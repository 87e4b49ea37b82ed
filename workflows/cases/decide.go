package cases

import (
	"context"
	"fmt"

	"github.com/firebreak-ir/firebreak/workflows"
)

// Decide answers a held step. A decision that the case does not take is ErrRefused with the reason, and leaves no trace.
func (c *Cases) Decide(ctx context.Context, of Case, d workflows.Decision) error {
	id := ""
	if d.Signed != nil {
		id = d.Signed.Nonce
	}
	return c.update(ctx, of, fmt.Sprintf("%s step %q of case %s", d.Action, d.Path, of.ID), workflows.DecideUpdate, id, d)
}

// Cancel asks the case to end: nothing new is started, `finally` runs, and containment stays.
func (c *Cases) Cancel(ctx context.Context, of Case) error {
	ctx, done := context.WithTimeout(ctx, patience)
	defer done()
	return c.toCurrent(ctx, of, func(now Case) error {
		return explain("cancel case "+of.ID, c.client.CancelWorkflow(ctx, now.Workflow, now.Run))
	})
}
