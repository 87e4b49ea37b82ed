package cases

import (
	"context"
	"fmt"

	"github.com/firebreak-ir/firebreak/workflows"
)

// Changes asks for what an undo would take back, in the order it was done.
func (c *Cases) Changes(ctx context.Context, of Case) ([]workflows.Undoable, error) {
	var all []workflows.Undoable
	err := c.pages(ctx, of, func(page []workflows.Undoable) { all = append(all, page...) })
	return all, err
}

// pages goes through the changes of a case page by page: all of them may be more than one answer holds.
func (c *Cases) pages(ctx context.Context, of Case, see func([]workflows.Undoable)) error {
	for from := 0; ; {
		page, err := ask[[]workflows.Undoable](ctx, c, of, workflows.UndoQuery, from)
		if err != nil || len(page) == 0 {
			return err
		}
		see(page)
		from += len(page)
	}
}

// lastChanges gives the last page of the changes, and says which ones are before it.
func (c *Cases) lastChanges(ctx context.Context, of Case) (last []workflows.Undoable, earlier []workflows.Span, err error) {
	from := 0
	err = c.pages(ctx, of, func(page []workflows.Undoable) {
		if len(last) > 0 {
			earlier = append(earlier, workflows.Span{From: from, Until: from + len(last)})
			from += len(last)
		}
		last = page
	})
	return last, earlier, err
}

// ChangesOf reads a part of a case's changes, for its undo.
func (c *Cases) ChangesOf(ctx context.Context, in workflows.ChangesIn) (workflows.ChangesOut, error) {
	of := Case{ID: in.Case, Workflow: in.Workflow, Run: in.Run}
	var out workflows.ChangesOut
	for next := in.From; next < in.Until; next = in.From + len(out.Changes) {
		page, err := ask[[]workflows.Undoable](ctx, c, of, workflows.UndoQuery, next)
		if err != nil {
			return out, err
		}
		if len(page) == 0 {
			return out, fmt.Errorf("case %s has %d changes, and not %d", in.Case, next, in.Until)
		}
		out.Changes = append(out.Changes, page[:min(len(page), in.Until-next)]...)
	}
	return out, nil
}
