package schedules

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"go.temporal.io/api/serviceerror"

	"github.com/firebreak-ir/firebreak/workflows/cases"
)

func TestAServerThatGaveUpIsAskedAgain(t *testing.T) {
	late := serviceerror.NewDeadlineExceeded("context deadline exceeded")
	for _, test := range []struct {
		name  string
		fails int
		with  error
		asked int // zero: as often as there is time for
		want  error
		took  time.Duration
	}{
		{"twice", 2, late, 3, nil, 400 * time.Millisecond},
		{"always", 1000, late, 0, cases.ErrUnavailable, patience},
		{"another failure", 1000, serviceerror.NewNotFound("none"), 1, ErrNotFound, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				asked, began := 0, time.Now()
				err := find(t.Context(), "find schedule nightly", func(context.Context) error {
					if asked++; asked <= test.fails {
						return test.with
					}
					return nil
				})
				if !errors.Is(err, test.want) || test.asked > 0 && asked != test.asked || time.Since(began) != test.took {
					t.Fatalf("asked %d times in %s: %v", asked, time.Since(began), err)
				}
			})
		})
	}
}
