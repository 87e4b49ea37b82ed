package evidence

import (
	"context"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
)

// NoteUndoInput is the input of evidence.note_undo.
type NoteUndoInput struct {
	Text string `json:"text" doc:"What was undone, for whom and why"`
}

// NoteUndoOutput is the output of evidence.note_undo.
type NoteUndoOutput struct {
	activities.Result
}

// NoteUndo declares evidence.note_undo.
func NoteUndo(store Store) activities.Definition {
	return activities.Define(activities.Activity[NoteUndoInput, NoteUndoOutput]{
		Name:        "evidence.note_undo",
		Summary:     "Notes in the custody log that the case's changes were taken back; `firebreak undo` runs it.",
		Effect:      activities.Capture,
		Volatility:  activities.Unvolatile,
		Place:       activities.OnAnalysis,
		Idempotency: "The same note by the same call is written once.",
		Timeout:     time.Minute,
		Example: `id: note
phase: improve
uses: evidence.note_undo
with: {text: "4 changes undone: false positive"}
`,
		Run: undoNoter{store}.run,
	})
}

type undoNoter struct{ store Store }

func (n undoNoter) run(_ context.Context, call activities.Call, in NoteUndoInput) (NoteUndoOutput, error) {
	if call.DryRun {
		return NoteUndoOutput{would("custody.jsonl", in.Text)}, nil
	}
	c, by, err := open(n.store, call)
	if err != nil {
		return NoteUndoOutput{}, err
	}
	if err := c.Note(by, in.Text); err != nil {
		return NoteUndoOutput{}, err
	}
	return NoteUndoOutput{activities.Result{Status: activities.Done, Summary: "noted: " + in.Text}}, nil
}
