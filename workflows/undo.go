package workflows

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// NoteUndo is the activity that writes an undo into the case's custody log.
const NoteUndo = "evidence.note_undo"

// Outcomes of an undo, as the lists show them.
const (
	OutcomeUndone       = "undone"
	OutcomePartlyUndone = "partly undone"
)

// retraction is one undo as it runs.
type retraction struct {
	in     UndoInput
	result UndoResult
}

// Undo takes a case's changes back, from the last to the first. A failure is recorded and never stops the rest: one
// label that cannot be restored must not keep a pod isolated. A long undo is a chain of runs: each hands what is left to the
// next. It is registered as UndoWorkflow.
func (i *Interpreter) Undo(ctx workflow.Context, in UndoInput) (UndoResult, error) {
	r := &retraction{in: in, result: UndoResult{Steps: append([]activities.StepRecord{}, in.Done...)}}
	if err := workflow.SetQueryHandler(ctx, StateQuery, func() (UndoResult, error) { return r.result, nil }); err != nil {
		return UndoResult{}, flat(KindTemporary, err.Error())
	}
	err := workflow.UpsertTypedSearchAttributes(ctx, keyword(CaseAttribute, in.Case),
		keyword(ClusterAttribute, in.Cluster), keyword(OutcomeAttribute, string(Running)))
	if err != nil {
		return UndoResult{}, flat(KindTemporary, err.Error())
	}
	for more := true; more; more = r.takeEarlier(ctx) {
		for i, change := range slices.Backward(r.in.Changes) {
			if lengthy(workflow.GetInfo(ctx)) {
				return UndoResult{}, workflow.NewContinueAsNewError(ctx, UndoWorkflow, r.rest(i+1))
			}
			r.undo(ctx, nameOf(r.in.Changes, i), change)
		}
	}
	r.note(ctx)
	return r.result, workflow.UpsertTypedSearchAttributes(ctx, keyword(OutcomeAttribute, r.result.Outcome()))
}

// Outcome says in two words whether everything was undone.
func (u UndoResult) Outcome() string {
	if u.Failures() > 0 {
		return OutcomePartlyUndone
	}
	return OutcomeUndone
}

// Failures counts what could not be undone.
func (u UndoResult) Failures() int {
	n := 0
	for _, s := range u.Steps {
		if s.Status == activities.StepFailed {
			n++
		}
	}
	return n
}

func (r *retraction) undo(ctx workflow.Context, path string, change Undoable) {
	u := undoing(change)
	r.run(ctx, u.name, path, takenBack(change), func() error {
		if err := r.fence(ctx, path, change); err != nil {
			return err
		}
		return r.execute(ctx, u.name, u.uses, path, u.input)
	})
}

// takenBack says what an undo took back, in the words of the change itself.
func takenBack(change Undoable) string {
	if did := didOf(change); did != "" {
		return "took back: " + did
	}
	return "took back " + begunBy(change)
}

// didOf is what the change says of itself; empty where it never reported.
func didOf(change Undoable) string {
	output, _ := change.Output.(map[string]any)
	did, _ := output["summary"].(string)
	return did
}

func begunBy(change Undoable) string {
	return "what " + change.Activity + " may have begun: it never reported"
}

// note writes what was undone into the custody log, which goes on after the seal.
func (r *retraction) note(ctx workflow.Context) {
	text := fmt.Sprintf("%d changes undone", len(r.result.Steps)-r.result.Failures())
	if r.in.By != "" {
		text += " for " + r.in.By
	}
	if r.in.Reason != "" {
		text += ": " + r.in.Reason
	}
	for _, s := range r.result.Steps {
		if s.Status == activities.StepFailed {
			text += fmt.Sprintf("; not undone: %s (%s)", s.Path, s.Error)
		}
	}
	run := workflow.GetInfo(ctx).WorkflowExecution.RunID
	call := activities.Call{Case: r.in.Case, Step: "undo", Key: r.in.Case + "/undo/" + run}
	u := plan.Uses{Place: activities.OnAnalysis, Timeout: time.Minute, Retry: undoing(Undoable{}).uses.Retry}
	in := ActivityInput{Call: call, Input: encode(map[string]any{"text": text})}
	r.run(ctx, NoteUndo, "note", "noted in the custody log", func() error { return r.execute(ctx, NoteUndo, u, "note", in) })
}

func (r *retraction) run(ctx workflow.Context, name, path, done string, act func() error) {
	i := len(r.result.Steps)
	r.result.Steps = append(r.result.Steps, activities.StepRecord{
		Path: path, Activity: name, Status: activities.StepRunning, Started: workflow.Now(ctx),
	})
	err := act()
	s := &r.result.Steps[i]
	s.Ended, s.Status, s.Summary = workflow.Now(ctx), activities.StepDone, done
	if err != nil {
		s.Status, s.Summary, s.Error = activities.StepFailed, "", err.Error()
	}
	r.show(ctx)
}

func (r *retraction) execute(ctx workflow.Context, name string, u plan.Uses, path string, in any) error {
	options := activityOptions(r.in.Cluster, &u, path, summaryOf("undo", path, ""))
	return outcomeOf(path, workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, options), name, in).Get(ctx, nil))
}

func (r *retraction) show(ctx workflow.Context) {
	var page strings.Builder
	fmt.Fprintf(&page, "**Undo of %s**\n\n| Step | Status | |\n|---|---|---|\n", r.in.Case)
	for _, s := range r.result.Steps {
		fmt.Fprintf(&page, "| %s | %s | %s |\n", Markdown(s.Path), s.Status, Markdown(s.Error))
	}
	workflow.SetCurrentDetails(ctx, page.String())
}

// encode gives a value back as JSON; nil stays empty, which is how an undo sees that its activity never reported.
func encode(value any) json.RawMessage {
	if value == nil {
		return nil
	}
	raw, err := json.Marshal(value)
	if err != nil { // what came out of JSON goes back into it
		return nil
	}
	return raw
}
