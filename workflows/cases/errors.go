package cases

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/temporal"

	"github.com/firebreak-ir/firebreak/workflows"
)

// Errors that a caller tells apart.
var (
	// ErrUnavailable is returned where Temporal does not answer: nothing is lost by asking again later.
	ErrUnavailable = errors.New("no answer from Temporal")
	// ErrNoWorker is returned where Temporal answers, but no worker of the interpreter does.
	ErrNoWorker = errors.New("no worker answers for the case; start one with `firebreak worker`")
	// ErrNotFound is returned where no case is meant.
	ErrNotFound = errors.New("no such case")
	// ErrAmbiguous is returned where several cases may be meant.
	ErrAmbiguous = errors.New("it is the beginning of several")
	// ErrNoName is returned where a filter is not a name that anything could have.
	ErrNoName = errors.New("no name")
	// ErrRefused is returned where a decision or an undo is not possible as things are.
	ErrRefused = errors.New("refused")
)

// ErrNotAllowed is returned where a case refuses whoever decides; it is an ErrRefused too.
var ErrNotAllowed error = notAllowedError{}

type notAllowedError struct{}

func (notAllowedError) Error() string { return ErrRefused.Error() }

// Is tells that it is a refusal too.
func (notAllowedError) Is(target error) bool { return target == ErrRefused }

// Explain tells apart, for other packages too, what the Temporal client says.
func Explain(doing string, err error) error { return explain(doing, err) }

// explain turns what the Temporal client says into an error that a caller can tell apart.
func explain(doing string, err error) error {
	if err == nil {
		return nil
	}
	var missing *serviceerror.NotFound
	var refused *temporal.ApplicationError
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &refused) && refused.Type() == workflows.NotAllowed:
		return fmt.Errorf("%s: %w: %s", doing, ErrNotAllowed, refused.Message())
	case errors.As(err, &refused):
		return fmt.Errorf("%s: %w: %s", doing, ErrRefused, refused.Message())
	case errors.As(err, &missing):
		return fmt.Errorf("%s: %w: %s", doing, ErrNotFound, missing.Message)
	case noWorker(err):
		return fmt.Errorf("%s: %w", doing, ErrNoWorker)
	case unavailable(err):
		return fmt.Errorf("%s: %w: %s", doing, ErrUnavailable, err.Error())
	}
	return fmt.Errorf("%s: %w", doing, err)
}

func unavailable(err error) bool {
	var down *serviceerror.Unavailable
	var late *serviceerror.DeadlineExceeded
	var namespace *serviceerror.NamespaceNotFound
	return errors.As(err, &down) || errors.As(err, &late) || errors.As(err, &namespace) ||
		errors.Is(err, context.DeadlineExceeded) || strings.HasPrefix(err.Error(), "failed reaching server")
}

// noWorker recognises a query that nobody took.
func noWorker(err error) bool {
	var early *serviceerror.WorkflowNotReady
	var failed *serviceerror.FailedPrecondition
	return errors.As(err, &early) || errors.As(err, &failed) && strings.Contains(failed.Message, "poller")
}
