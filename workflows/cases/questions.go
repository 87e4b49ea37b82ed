package cases

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/firebreak-ir/firebreak/workflows"
)

// Question is what a case asks, with the case.
type Question struct {
	*workflows.Question

	Case string `json:"case"`
}

// Limits on asking all open cases what they ask.
const (
	asking    = time.Minute // all of them: one that no worker answers for takes as long as takeover
	askedAt   = 16          // at a time
	toldCases = 10          // of those that do not answer
)

// Questions gives what the open cases ask now, the oldest case first. A case that does not answer hides no other one: the
// error names it, beside what the others ask.
func (c *Cases) Questions(ctx context.Context, f Filter) ([]Question, error) {
	f.OpenOnly = true
	list, err := c.List(ctx, f)
	if err != nil {
		return nil, err
	}
	ctx, done := context.WithTimeout(ctx, asking)
	defer done()
	answers, errs := make([]workflows.Waiting, len(list)), make([]error, len(list))
	turns := make(chan struct{}, askedAt)
	var all sync.WaitGroup
	for i := range list {
		all.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			answers[i], errs[i] = c.Waiting(ctx, list[i])
		})
	}
	all.Wait()
	out := []Question{}
	for i := len(list) - 1; i >= 0; i-- {
		for _, q := range answers[i].Questions {
			out = append(out, Question{q, list[i].ID})
		}
	}
	return out, unanswered(errs)
}

// unanswered names the first of the cases that did not answer, and how many more there are.
func unanswered(errs []error) error {
	var told []error
	more := 0
	for _, err := range errs {
		switch {
		case err == nil, errors.Is(err, ErrNotFound): // it has ended meanwhile
		case len(told) < toldCases:
			told = append(told, err)
		default:
			more++
		}
	}
	if more > 0 {
		told = append(told, fmt.Errorf("%d more cases do not answer", more))
	}
	return errors.Join(told...)
}
