package compile

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestSharedTypesChangeNoPlan: what many compilations share gives each the plan that it has alone, essences included.
func TestSharedTypesChangeNoPlan(t *testing.T) {
	text, err := os.ReadFile("testdata/ok/verbs.yaml")
	if err != nil {
		t.Fatal(err)
	}
	alone, problems := With("verbs.yaml", text, Options{Catalog: testCatalog()})
	if len(problems) > 0 || len(alone.Declared) == 0 {
		t.Fatalf("%v, %v", problems, alone.Declared)
	}
	shared := NewTypes()
	for range 2 {
		got, _ := With("verbs.yaml", text, Options{Catalog: testCatalog(), Types: shared})
		if d := cmp.Diff(alone, got); d != "" {
			t.Fatal(d)
		}
	}
}
