package workflows_test

import (
	"path/filepath"
	"testing"

	"github.com/firebreak-ir/firebreak/workflows/cases/casetest"
)

// TestRecordedHistoriesReplay runs the histories of real runs through today's interpreter. It fails where a change of
// the interpreter would leave a run that is open now without a way on. `go test ./workflows/cases -update` records them
// anew from a real Temporal; do so only when no run of the old interpreter can be open any more.
func TestRecordedHistoriesReplay(t *testing.T) {
	files, err := filepath.Glob("testdata/history/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no recorded histories: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			if err := casetest.Replay(file); err != nil {
				t.Fatal(err)
			}
		})
	}
}
