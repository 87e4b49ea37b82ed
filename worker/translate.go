package worker

import (
	"context"
	"errors"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/workflows"
)

// maxMessage keeps what a server answered from filling a history.
const maxMessage = 4 << 10

// translate says an activity's error in Temporal's words, as one flat error: the type is its kind, the details hold
// cause and advice apart.
func translate(ctx context.Context, err error) error {
	var permanent *activities.PermanentError
	var throttled *activities.ThrottledError
	var application *temporal.ApplicationError
	switch {
	case errors.As(err, &application):
		return err
	case ctx.Err() != nil && stopping(ctx):
		return flat(workflows.KindStopped, errStopping.Error(), temporal.ApplicationErrorOptions{NextRetryDelay: time.Second})
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		return temporal.NewCanceledError()
	case errors.As(err, &permanent):
		return flat(string(permanent.Kind), err.Error(), temporal.ApplicationErrorOptions{
			NonRetryable: true, Details: []any{details(err, permanent)},
		})
	case errors.As(err, &throttled):
		return flat(workflows.KindThrottled, err.Error(), temporal.ApplicationErrorOptions{NextRetryDelay: throttled.After})
	}
	return flat(workflows.KindTemporary, err.Error(), temporal.ApplicationErrorOptions{})
}

// details takes the advice off the end of the message, where Error put it.
func details(err error, p *activities.PermanentError) workflows.FailureDetails {
	cause := err.Error()
	if p.Advice != "" {
		cause = strings.TrimSuffix(cause, "; "+p.Advice)
	}
	return workflows.FailureDetails{Cause: cut(cause), Advice: p.Advice}
}

func flat(kind, text string, o temporal.ApplicationErrorOptions) error {
	return temporal.NewApplicationErrorWithOptions(cut(text), kind, o)
}

func cut(text string) string {
	if len(text) <= maxMessage {
		return strings.ToValidUTF8(text, "�")
	}
	return strings.ToValidUTF8(text[:maxMessage], "�") + "…"
}
