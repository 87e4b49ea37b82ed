package all_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/firebreak-ir/firebreak/activities/all"
	"github.com/firebreak-ir/firebreak/playbooks/compile"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// TestTheWorkedExampleCompiles against the activities that ship, letter by letter as the language's own page has it.
func TestTheWorkedExampleCompiles(t *testing.T) {
	const folder = "../../playbooks/compile/testdata/ok"
	text, err := os.ReadFile(filepath.Join(folder, "worked-example.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	_, problems := compile.With("worked-example.yaml", text, compile.Options{
		Catalog: all.Catalog(all.Deps{}),
		Read:    func(name string) ([]byte, error) { return os.ReadFile(filepath.Join(folder, name)) },
		Alert:   func([]byte) (plan.Alert, error) { return plan.Alert{}, nil },
	})
	for _, p := range problems {
		t.Error(p)
	}
}
