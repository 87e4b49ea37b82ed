package activities

import (
	"context"
	"encoding/json"
)

// Progress is how far a long call is. Cursor, when set, lets the next attempt go on from here.
type Progress struct {
	Done    int64           `json:"done"`
	Total   int64           `json:"total,omitempty"` // zero when unknown
	Unit    string          `json:"unit,omitempty"`  // "bytes", "blocks", "%"
	Message string          `json:"message,omitempty"`
	Cursor  json.RawMessage `json:"cursor,omitempty"`
}

// Reporter takes progress out of a call and hands in what the attempt before had reported last.
type Reporter interface {
	Report(Progress)
	Last() (Progress, bool)
}

type reporterKey struct{}

// WithReporter gives the calls under ctx a place to report to.
func WithReporter(ctx context.Context, r Reporter) context.Context {
	return context.WithValue(ctx, reporterKey{}, r)
}

// Report tells how far the call is. Without a reporter it does nothing.
func Report(ctx context.Context, p Progress) {
	if r, ok := ctx.Value(reporterKey{}).(Reporter); ok {
		r.Report(p)
	}
}

// Resume gives what the attempt before had reported last; false on a first attempt.
func Resume(ctx context.Context) (Progress, bool) {
	if r, ok := ctx.Value(reporterKey{}).(Reporter); ok {
		return r.Last()
	}
	return Progress{}, false
}
