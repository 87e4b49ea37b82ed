package evidence

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/custody"
)

// HistoryName is where the workflow's history stands in the case directory.
const HistoryName = "data/history.json"

// History reads the audit record of a run; events is its length so far.
type History interface {
	Export(ctx context.Context, workflowID, runID string, w io.Writer) (events int, err error)
	// Previous gives the run before this one, where a long case is a chain of runs; empty for the first.
	Previous(ctx context.Context, workflowID, runID string) (string, error)
}

// maxRuns is how many runs of a chain are exported; a case of that many has had 200,000 events.
const maxRuns = 100

// ExportHistoryInput is the input of evidence.export_history.
type ExportHistoryInput struct {
	Workflow string `json:"workflow" doc:"Temporal workflow id: ${{ run.workflow }}"`
	Run      string `json:"run" doc:"Temporal run id: ${{ run.record.run }}"`
}

// ExportHistoryOutput is the output of evidence.export_history.
type ExportHistoryOutput struct {
	activities.Result

	Item    custody.Item   `json:"item" doc:"The file of the last run"`
	Events  int            `json:"events" doc:"Events in the history of the last run when it was exported"`
	Earlier []custody.Item `json:"earlier,omitempty" doc:"The files of the runs before it, the latest first: a long case is a chain of runs"`
}

// ExportHistory declares evidence.export_history.
func ExportHistory(store Store, history History) activities.Definition {
	return activities.Define(activities.Activity[ExportHistoryInput, ExportHistoryOutput]{
		Name:        "evidence.export_history",
		Summary:     "Keeps the workflow's history as evidence, since Temporal forgets it when its retention ends.",
		Effect:      activities.Capture,
		Volatility:  activities.Unvolatile,
		Place:       activities.OnAnalysis,
		Idempotency: "The file is evidence and is written once for one key; every attempt counts the events in it and notes the same.",
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
	item, err := c.Put(ctx, by, HistoryName, historyKind, func(w io.Writer) error {
		_, err := h.history.Export(ctx, in.Workflow, in.Run, w)
		return err
	})
	if err != nil {
		return ExportHistoryOutput{}, writtenOnce(err)
	}
	earlier, err := h.earlier(ctx, c, by, in)
	if err != nil {
		return ExportHistoryOutput{}, err
	}
	events, err := note(ctx, c, by, in, item)
	summary := fmt.Sprintf("kept the history of %d events", events)
	return ExportHistoryOutput{Result: activities.Result{Status: activities.Done, Summary: summary}, Item: item, Events: events, Earlier: earlier}, err
}

// earlier keeps the histories of the runs before, each under its run's id.
func (h historian) earlier(ctx context.Context, c *custody.Case, by custody.By, in ExportHistoryInput) ([]custody.Item, error) {
	var items []custody.Item
	run := in.Run
	for len(items) < maxRuns {
		previous, err := h.history.Previous(ctx, in.Workflow, run)
		if err != nil || previous == "" {
			return items, err
		}
		run = previous
		item, err := c.Put(ctx, by, "data/history."+run+".json", historyKind, func(w io.Writer) error {
			_, err := h.history.Export(ctx, in.Workflow, run, w)
			return err
		})
		if err != nil {
			return items, writtenOnce(err)
		}
		if _, err := note(ctx, c, by, ExportHistoryInput{Workflow: in.Workflow, Run: run}, item); err != nil {
			return items, err
		}
		items = append(items, item)
	}
	return items, nil
}

// note ties the evidence to the audit record that Temporal keeps, and gives the number of its events. It counts what is in
// the file, which an attempt before may have written: every attempt notes the same, and the log holds it once.
func note(ctx context.Context, c *custody.Case, by custody.By, in ExportHistoryInput, item custody.Item) (int, error) {
	name, err := c.Path(item.Path)
	if err != nil {
		return 0, err
	}
	events, err := eventsIn(ctx, name)
	if err != nil {
		return 0, fmt.Errorf("count the events in %q: %w", item.Path, err)
	}
	text := fmt.Sprintf("workflow %s, run %s, history of %d events", in.Workflow, in.Run, events)
	return events, c.NoteRun(by, text, custody.Run{Workflow: in.Workflow, Run: in.Run, Events: events})
}

// eventsIn counts the events of an exported history, one at a time in memory.
func eventsIn(ctx context.Context, name string) (int, error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	d := json.NewDecoder(bufio.NewReader(f))
	if err := seekEvents(d); err != nil {
		return 0, err
	}
	n := 0
	for ; d.More(); n++ {
		var event json.RawMessage
		if err := errors.Join(ctx.Err(), d.Decode(&event)); err != nil {
			return 0, err
		}
	}
	_, err = d.Token() // the list's end
	return n, err
}

// seekEvents reads up to the first event: a history is an object with the list events.
func seekEvents(d *json.Decoder) error {
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return errors.Join(errors.New("it is no object"), err)
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		if key == "events" {
			if t, err := d.Token(); err != nil || t != json.Delim('[') {
				return errors.Join(errors.New("its events are no list"), err)
			}
			return nil
		}
		var other json.RawMessage
		if err := d.Decode(&other); err != nil {
			return err
		}
	}
	return errors.New("it has no events")
}
