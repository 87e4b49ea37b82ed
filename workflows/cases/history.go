package cases

import (
	"context"
	"fmt"
	"io"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	failurepb "go.temporal.io/api/failure/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/proxy"
	"go.temporal.io/api/temporalproto"
	"go.temporal.io/sdk/converter"
)

// Export writes the history of a run as JSON, as Temporal's own tools write it and can replay it, and gives the number
// of its events. The history of an open run ends at this moment. What is encrypted is decrypted: who reads the export later has
// no key, and a key that is missing now is an error.
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
	if err := c.decrypt(ctx, &history); err != nil {
		return 0, fmt.Errorf("%s: %w", doing, err)
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

// decrypt puts the payloads in as they were before the client's converter encrypted them, and failures' texts back where
// Temporal has them. Search attributes were never encrypted.
func (c *Cases) decrypt(ctx context.Context, history *historypb.History) error {
	if c.converter == nil {
		return nil
	}
	err := proxy.VisitPayloads(ctx, history, proxy.VisitPayloadsOptions{
		SkipSearchAttributes: true,
		Visitor: func(_ *proxy.VisitPayloadsContext, list []*commonpb.Payload) ([]*commonpb.Payload, error) {
			return c.plain(list)
		},
	})
	if err != nil {
		return err
	}
	return proxy.VisitFailures(ctx, history, proxy.VisitFailuresOptions{
		Visitor: func(_ *proxy.VisitFailuresContext, failure *failurepb.Failure) error {
			converter.DecodeCommonFailureAttributes(converter.GetDefaultDataConverter(), failure)
			failure.EncodedAttributes = nil
			return nil
		},
	})
}

// plain asks the converter for payloads without making values of them.
func (c *Cases) plain(list []*commonpb.Payload) ([]*commonpb.Payload, error) {
	out := make([]*commonpb.Payload, len(list))
	for i, p := range list {
		var raw converter.RawValue
		if err := c.converter.FromPayload(p, &raw); err != nil {
			return nil, err
		}
		out[i] = raw.Payload()
	}
	return out, nil
}
