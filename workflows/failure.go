package workflows

import (
	"errors"
	"fmt"

	"go.temporal.io/sdk/temporal"

	"github.com/firebreak-ir/firebreak/activities"
)

// FailureDetails travels with an activity's permanent error, so that cause and advice can be shown apart.
type FailureDetails struct {
	Cause  string `json:"cause"`
	Advice string `json:"advice"`
}

// failure is a step that failed, before anything was decided about it.
type failure struct {
	Path   string `json:"path"`
	Kind   string `json:"kind"`
	Cause  string `json:"cause"`
	Advice string `json:"advice,omitempty"`
}

// Error names the step, the cause and what to do.
func (f *failure) Error() string {
	text := fmt.Sprintf("step %q: %s", f.Path, f.Cause)
	if f.Advice != "" {
		text += "; " + f.Advice
	}
	return text
}

// ended is a failure that ends the run: its step says `onError: fail` or `rollback`.
type ended struct {
	*failure

	takeBack bool // `onError: rollback`: the changes are undone before `finally`
}

// Unwrap gives the failure itself.
func (e *ended) Unwrap() error { return e.failure }

// aborted is a person's decision to end the run.
type aborted struct{ Decision }

// Error says who decided and why.
func (a *aborted) Error() string {
	at := ""
	if a.Path != "" {
		at = fmt.Sprintf(" at step %q", a.Path)
	}
	verb := "aborted"
	if a.Action == RollbackCase {
		verb = "aborted and rolled back"
	}
	return fmt.Sprintf("%s by %s%s: %s", verb, a.By, at, a.Reason)
}

// failureOf reads what Temporal says of an activity that did not succeed. A cancellation is no failure: it stays what
// it is.
func failureOf(path string, err error) error {
	var application *temporal.ApplicationError
	var timeout *temporal.TimeoutError
	switch {
	case temporal.IsCanceledError(err):
		return err
	case errors.As(err, &application):
		return applicationFailure(path, application)
	case errors.As(err, &timeout):
		return &failure{path, KindTimeout, "no answer in time (" + timeout.TimeoutType().String() + ")",
			"see that the step's workers run and reach their target, or raise the step's timeout; then retry"}
	}
	return &failure{path, KindTemporary, err.Error(), adviceFor(KindTemporary)}
}

func applicationFailure(path string, err *temporal.ApplicationError) error {
	f := &failure{Path: path, Kind: err.Type(), Cause: err.Message()}
	if f.Kind == notRegistered {
		f.Kind, f.Cause = KindCatalog, "the workers of its queue do not have the step's activity"
	}
	var details FailureDetails
	if err.HasDetails() && err.Details(&details) == nil && details.Cause != "" {
		f.Cause, f.Advice = details.Cause, details.Advice
	}
	if f.Advice == "" {
		f.Advice = adviceFor(f.Kind)
	}
	return f
}

// causeOf is the failure without its step and advice.
func causeOf(err error) string {
	var f *failure
	if errors.As(err, &f) {
		return f.Cause
	}
	return err.Error()
}

// notRegistered is what Temporal's SDK calls an activity that the worker does not know.
const notRegistered = "ActivityNotRegisteredError"

// adviceFor is what to do where the activity itself did not say.
func adviceFor(kind string) string {
	switch kind {
	case string(activities.Forbidden):
		return "grant the permission that the message names, then retry"
	case KindCatalog:
		return "run workers of the version that compiled the plan, then retry"
	case KindThrottled:
		return "wait until the service takes requests again, then retry"
	case KindExpression:
		return "skip the step with a reason, or abort and correct the playbook"
	case string(activities.InvalidInput), string(activities.GuardTripped), string(activities.Unsupported):
		return "skip the step with a reason, or abort"
	}
	return "mend the cause, then retry; or skip the step with a reason"
}

// failed says what ends the whole run, as one flat error: chains of causes are cut by the Web UI.
func failed(err error) error {
	var f *failure
	var abort *aborted
	switch {
	case errors.As(err, &abort):
		return flat(KindAborted, abort.Error())
	case errors.As(err, &f):
		return flat(f.Kind, f.Error())
	}
	return flat(KindTemporary, err.Error())
}

func flat(kind, text string) error {
	return temporal.NewApplicationErrorWithOptions(text, kind, temporal.ApplicationErrorOptions{NonRetryable: true})
}

// gravest gives the error that decides over a block, wherever in the block it stands: of two alike, the first.
func gravest(errs []error) error {
	var worst error
	for _, err := range errs {
		if gravity(err) > gravity(worst) {
			worst = err
		}
	}
	return worst
}

// gravity puts ends in order: what a person decided comes before a `stop`, which is the playbook's own word for the whole
// run, and that before a failure, which speaks for its step. Where a stop leaves changes standing that a rollback would
// have taken back, a person still can; the other way round an intruder is free. A rollback ends the run as failed too.
func gravity(err error) int {
	var abort *aborted
	var stop *stopped
	var end *ended
	switch {
	case err == nil:
		return 0
	case errors.As(err, &abort):
		return 5
	case temporal.IsCanceledError(err):
		return 4
	case errors.As(err, &stop):
		return 3
	case errors.As(err, &end) && end.takeBack:
		return 2
	}
	return 1
}
