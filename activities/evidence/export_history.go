package evidence

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/custody"
)

// HistoryName is where the workflow's history stands in the case directory.
const HistoryName = "history.json"

// History reads the audit record of a run; events is its length so far.
type History interface {
	Export(ctx context.Context, workflowID, runID string, w io.Writer) (events int, err error)
}

// ExportHistoryInput is the input of evidence.export_history.
type ExportHistoryInput struct {
	Workflow string `json:"workflow" doc:"Temporal workflow id: ${{ run.workflow }}"`
	Run      string `json:"run" doc:"Temporal run id: ${{ run.record.run }}"`
}

// ExportHistoryOutput is the output of evidence.export_history.
type ExportHistoryOutput struct {
	activities.Result

	Item   custody.Item `json:"item" doc:"The file"`
	Events int          `json:"events" doc:"Events in the history when it was exported"`
}

// ExportHistory declares evidence.export_history.
func ExportHistory(store Store, history History) activities.Definition {
	return activities.Define(activities.Activity[ExportHistoryInput, ExportHistoryOutput]{
		Name:        "evidence.export_history",
		Summary:     "Keeps the workflow's history as evidence, since Temporal forgets it when its retention ends.",
		Effect:      activities.Capture,
		Volatility:  activities.Unvolatile,
		Place:       activities.OnAnalysis,
		Idempotency: "The file is evidence and is written once for one key.",
		Timeout:     2 * time.Minute,
		Example: `id: history
phase: improve
uses: evidence.export_history
with: {workflow: "${{ run.workflow }}", run: "${{ run.record.run }}"}
`,
		Run: historian{store, history}.run,
	})
}

type historian struct {
	store   Store
	history History
}

func (h historian) run(ctx context.Context, call activities.Call, in ExportHistoryInput) (ExportHistoryOutput, error) {
	if call.DryRun {
		return ExportHistoryOutput{Result: would(HistoryName, "keep the workflow's history as evidence")}, nil
	}
	if h.history == nil {
		return ExportHistoryOutput{}, errors.New("no history can be read by this worker")
	}
	c, by, err := open(h.store, call)
	if err != nil {
		return ExportHistoryOutput{}, err
	}
	events := 0
	item, err := c.Put(ctx, by, HistoryName, "history", func(w io.Writer) (err error) {
		events, err = h.history.Export(ctx, in.Workflow, in.Run, w)
		return err
	})
	if err != nil {
		return ExportHistoryOutput{}, writtenOnce(err)
	}
	return h.note(c, by, in, item, events)
}

// note ties the evidence to the audit record that Temporal keeps.
func (h historian) note(c *custody.Case, by custody.By, in ExportHistoryInput, item custody.Item, events int) (ExportHistoryOutput, error) {
	if events == 0 { // an attempt before wrote the file and did not report back
		return ExportHistoryOutput{Item: item, Result: activities.Result{
			Status: activities.Done, Summary: "the history was kept by an attempt before this one",
		}}, nil
	}
	text := fmt.Sprintf("workflow %s, run %s, history of %d events", in.Workflow, in.Run, events)
	if err := c.Note(by, text); err != nil {
		return ExportHistoryOutput{}, err
	}
	summary := fmt.Sprintf("kept the history of %d events", events)
	return ExportHistoryOutput{Result: activities.Result{Status: activities.Done, Summary: summary}, Item: item, Events: events}, nil
}
