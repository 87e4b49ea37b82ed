package cases_test

import (
	"testing"

	"github.com/firebreak-ir/firebreak/workflows"
	"github.com/firebreak-ir/firebreak/workflows/cases/casetest"
)

// TestACaseIsAskedAgain: Temporal gives a question back after five seconds, and a worker that starts may need more.
func TestACaseIsAskedAgain(t *testing.T) {
	c, of := dial(t, &casetest.Server{Untaken: 2})
	got, err := c.State(t.Context(), of)
	if err != nil || got.Status != workflows.Running {
		t.Fatalf("got %+v, %v", got, err)
	}
}
