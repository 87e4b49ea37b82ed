// Package evidence keeps the case's own papers: the alert as it arrived, the workflow's history, the seal, and a note of
// every undo.
package evidence

import (
	"errors"
	"fmt"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/custody"
)

// Store gives the evidence of a case.
type Store interface {
	Case(id string) (*custody.Case, error)
	Accepts(to string) error
}

func open(store Store, call activities.Call) (*custody.Case, custody.By, error) {
	by := custody.By{Step: call.Step, Key: call.Key}
	if store == nil {
		return nil, by, errors.New("no evidence store is configured for this worker")
	}
	c, err := store.Case(call.Case)
	return c, by, err
}

// would is the result of a dry run that leaves the case directory as it is.
func would(object, what string) activities.Result {
	return activities.Result{
		Status: activities.Done, Summary: fmt.Sprintf("would %s", what),
		Would: []activities.Difference{{Object: object, Field: "content", To: what}},
	}
}

// writtenOnce explains the error of a second step that wants a name that is taken: no retry mends it.
func writtenOnce(err error) error {
	if errors.Is(err, custody.ErrWritten) {
		return activities.Permanent(activities.Conflict, err, "keep one such step in the playbook; evidence is written once")
	}
	return err
}
