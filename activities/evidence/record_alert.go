package evidence

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/custody"
)

// AlertName is where the opening alert stands in the case directory.
const AlertName = "data/alert.json"

// RecordAlertInput is the input of evidence.record_alert.
type RecordAlertInput struct {
	Alert json.RawMessage `json:"alert" doc:"The alert that opened the case: ${{ alert }}"`
}

// RecordAlertOutput is the output of evidence.record_alert.
type RecordAlertOutput struct {
	activities.Result

	Item custody.Item `json:"item" doc:"The file"`
}

// RecordAlert declares evidence.record_alert.
func RecordAlert(store Store) activities.Definition {
	return activities.Define(activities.Activity[RecordAlertInput, RecordAlertOutput]{
		Name:        "evidence.record_alert",
		Summary:     "Keeps the alert that opened the case as evidence.",
		Effect:      activities.Capture,
		Volatility:  activities.Unvolatile,
		Place:       activities.OnAnalysis,
		Idempotency: "The file is evidence and is written once for one key.",
		Timeout:     time.Minute,
		Example: `id: alert
phase: identify
uses: evidence.record_alert
with: {alert: "${{ alert }}"}
`,
		Run: alertRecorder{store}.run,
	})
}

type alertRecorder struct{ store Store }

func (r alertRecorder) run(ctx context.Context, call activities.Call, in RecordAlertInput) (RecordAlertOutput, error) {
	if call.DryRun {
		return RecordAlertOutput{Result: would(AlertName, "keep the alert as evidence")}, nil
	}
	c, by, err := open(r.store, call)
	if err != nil {
		return RecordAlertOutput{}, err
	}
	item, err := c.Put(ctx, by, AlertName, "alert", func(w io.Writer) error { return writeJSON(w, in.Alert) })
	if err != nil {
		return RecordAlertOutput{}, writtenOnce(err)
	}
	summary := fmt.Sprintf("kept the alert, %d bytes", item.Size)
	return RecordAlertOutput{Result: activities.Result{Status: activities.Done, Summary: summary}, Item: item}, nil
}

// writeJSON writes the value as people read it. Nothing in it is interpreted.
func writeJSON(w io.Writer, value json.RawMessage) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(value)
}
