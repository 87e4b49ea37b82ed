package activities

import (
	"errors"
	"time"
)

// Kind names why a failure is permanent. It is the type of the error in Temporal's history.
type Kind string

// The kinds of permanent failure. No retry mends them: somebody has to change something first.
const (
	Forbidden    Kind = "Forbidden"    // credentials lack a permission
	InvalidInput Kind = "InvalidInput" // the playbook or the alert asks for something that cannot be
	NotFound     Kind = "NotFound"     // the target does not exist, or is another one of the same name
	Conflict     Kind = "Conflict"     // something of somebody else stands in the way
	GuardTripped Kind = "GuardTripped" // a limit of the playbook was reached
	Corrupt      Kind = "Corrupt"      // bytes do not match their checksum
	Unsupported  Kind = "Unsupported"  // this machine, cluster or account cannot do it
)

// PermanentError is a failure that a retry cannot mend. Advice is one sentence that says what a person can do.
type PermanentError struct {
	Kind   Kind
	Advice string
	Err    error
}

// Error gives the cause and then the advice.
func (e *PermanentError) Error() string {
	if e.Advice == "" {
		return e.Err.Error()
	}
	return e.Err.Error() + "; " + e.Advice
}

// Unwrap gives the cause.
func (e *PermanentError) Unwrap() error { return e.Err }

// Permanent marks err as one that no retry mends.
func Permanent(kind Kind, err error, advice string) error {
	return &PermanentError{Kind: kind, Advice: advice, Err: err}
}

// Invalid is Permanent with the kind InvalidInput.
func Invalid(err error, advice string) error { return Permanent(InvalidInput, err, advice) }

// KindOf tells the kind of a permanent failure, and false for any other error.
func KindOf(err error) (Kind, bool) {
	var p *PermanentError
	if errors.As(err, &p) {
		return p.Kind, true
	}
	return "", false
}

// ThrottledError is a failure that asks to be retried no sooner than After.
type ThrottledError struct {
	After time.Duration
	Err   error
}

// Error gives the cause.
func (e *ThrottledError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *ThrottledError) Unwrap() error { return e.Err }
