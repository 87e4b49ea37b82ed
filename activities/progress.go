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

type attemptKey struct{}

// WithAttempt tells the calls under ctx which attempt they are.
func WithAttempt(ctx context.Context, n int) context.Context {
	return context.WithValue(ctx, attemptKey{}, n)
}

// Attempt is 1 where no attempt with the same key can have run before, and grows from attempt to attempt. Unlike Resume
// it does not depend on what the attempt before managed to report.
func Attempt(ctx context.Context) int {
	if n, ok := ctx.Value(attemptKey{}).(int); ok {
		return n
	}
	return 1
}
