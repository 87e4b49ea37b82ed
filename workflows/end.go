package workflows

import (
	"errors"

	"go.temporal.io/sdk/temporal"
)

// End is how the steps of a case ended, in a form that the next run of its chain can read. The zero End is success.
type End struct {
	Canceled bool      `json:"canceled,omitempty"`
	Aborted  *Decision `json:"aborted,omitempty"`
	Stopped  *stopped  `json:"stopped,omitempty"`
	Failed   *failure  `json:"failed,omitempty"`
	TakeBack bool      `json:"takeBack,omitempty"` // the changes are undone before `finally`
}

// stopped is a playbook's `stop`: the run ends here, as the playbook wants it.
type stopped struct {
	Path    string `json:"path"`
	Outcome string `json:"outcome"`
	Reason  string `json:"reason,omitempty"`
}

// Error names the step and the outcome.
func (s *stopped) Error() string {
	text := "stopped at step " + s.Path + ": " + s.Outcome
	if s.Reason != "" {
		text += " (" + s.Reason + ")"
	}
	return text
}

// isStopped tells whether a `stop` ended the steps.
func isStopped(err error) bool {
	var stop *stopped
	return errors.As(err, &stop)
}

func endOf(err error) *End {
	var abort *aborted
	var stop *stopped
	var end *ended
	var f *failure
	switch {
	case err == nil:
		return &End{}
	case errors.As(err, &abort):
		return &End{Aborted: &abort.Decision, TakeBack: abort.Action == RollbackCase}
	case temporal.IsCanceledError(err):
		return &End{Canceled: true}
	case errors.As(err, &stop):
		return &End{Stopped: stop}
	case errors.As(err, &end):
		return &End{Failed: end.failure, TakeBack: end.takeBack}
	case errors.As(err, &f):
		return &End{Failed: f}
	}
	return &End{Failed: &failure{Kind: KindTemporary, Cause: err.Error()}}
}

func (e *End) error() error {
	switch {
	case e.Aborted != nil:
		return &aborted{*e.Aborted}
	case e.Canceled:
		return temporal.NewCanceledError()
	case e.Stopped != nil:
		return e.Stopped
	case e.Failed != nil:
		return &ended{failure: e.Failed}
	}
	return nil
}
