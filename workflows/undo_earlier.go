package workflows

import (
	"fmt"
	"slices"

	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/activities"
)

// CaseChanges is the activity of the engine that reads a part of a case's changes: all of them may be more than the start of
// an undo can hold.
const CaseChanges = "case.changes"

// ChangesIn says which changes of which case are wanted.
type ChangesIn struct {
	Span

	Case     string `json:"case"`
	Workflow string `json:"workflow"`
	Run      string `json:"run"`
}

// ChangesOut are the changes.
type ChangesOut struct {
	Changes []Undoable `json:"changes"`
}

// takeEarlier goes on to the last part of the changes that the start had no room for; false when there is none. What cannot be
// read is a failure like any other: it is named, and does not stop the rest.
func (r *retraction) takeEarlier(ctx workflow.Context) bool {
	r.in.Changes = nil
	n := len(r.in.Earlier)
	if n == 0 {
		return false
	}
	part := r.in.Earlier[n-1]
	r.in.Earlier, r.in.First = r.in.Earlier[:n-1], part.From
	var err error
	if r.in.Changes, err = r.read(ctx, part); err != nil {
		now := workflow.Now(ctx)
		r.result.Steps = append(r.result.Steps, activities.StepRecord{
			Path: partName(part), Activity: CaseChanges, Status: activities.StepFailed, Error: err.Error(), Started: now, Ended: now,
		})
	}
	return true
}

// rest is what the next run of a long undo begins with: the first n of the changes are left. Where they can be read again only
// their numbers are handed on, since what was done grows.
func (r *retraction) rest(n int) UndoInput {
	in := r.in
	in.Changes, in.Done = in.Changes[:n], r.result.Steps
	if in.Workflow != "" {
		in.Earlier = append(slices.Clone(in.Earlier), Span{From: in.First, Until: in.First + n})
		in.Changes = nil
	}
	return in
}

func (r *retraction) read(ctx workflow.Context, part Span) ([]Undoable, error) {
	options := activityOptions("", engine(), partName(part), "reads "+partName(part)+" of the case")
	options.TaskQueue = Queue
	var out ChangesOut
	err := look(ctx, options, CaseChanges, ChangesIn{Span: part, Case: r.in.Case, Workflow: r.in.Workflow, Run: r.in.Run}, &out)
	return out.Changes, err
}

func partName(s Span) string { return fmt.Sprintf("changes %d to %d", s.From+1, s.Until) }
