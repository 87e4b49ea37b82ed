package cases

import (
	"context"
	"fmt"
	"io"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/temporalproto"
)

// Export writes the history of a run as JSON, as Temporal's own tools write it and can replay it, and gives the number
// of its events. The history of an open run ends at this moment.
func (c *Cases) Export(ctx context.Context, workflowID, runID string, w io.Writer) (int, error) {
	doing := "export the history of " + workflowID
	var history historypb.History
	events := c.client.GetWorkflowHistory(ctx, workflowID, runID, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			return 0, explain(doing, err)
		}
		history.Events = append(history.Events, event)
	}
	raw, err := temporalproto.CustomJSONMarshalOptions{Indent: "  "}.Marshal(&history)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", doing, err)
	}
	if _, err := w.Write(append(raw, '\n')); err != nil {
		return 0, fmt.Errorf("%s: %w", doing, err)
	}
	return len(history.Events), nil
}
