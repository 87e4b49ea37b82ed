package cases_test

import (
	"testing"
	"time"

	"github.com/firebreak-ir/firebreak/workflows/cases"
)

// TestAListNamesACaseThatNobodyHasTakenYet, on a real Temporal without a worker.
func TestAListNamesACaseThatNobodyHasTakenYet(t *testing.T) {
	w := newWorld(t)
	of := w.start("waiting", mark("a"))
	var list []cases.Case
	for range 50 {
		var err error
		if list, err = w.List(t.Context(), cases.Filter{}); err != nil {
			t.Fatal(err)
		}
		if len(list) > 0 {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if len(list) != 1 || list[0].ID != of.ID {
		t.Fatalf("%+v, want %s", list, of.ID)
	}
}
