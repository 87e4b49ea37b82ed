package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/playbooks/compile"
	"github.com/firebreak-ir/firebreak/playbooks/layout"
)

// TestSkeletons: each compiles without a problem and is in the one form.
func TestSkeletons(t *testing.T) {
	entries, err := skeletons.ReadDir("skeletons")
	if err != nil || len(entries) != len(kinds()) {
		t.Fatalf("%v, %d skeletons for the kinds %v", err, len(entries), kinds())
	}
	for _, kind := range kinds() {
		text, err := skeleton(kind, "my-own")
		if err != nil {
			t.Fatal(err)
		}
		compiled, problems := (&app{}).compile(source{"my-own.yaml", text})
		for _, p := range problems {
			t.Errorf("%s: %v", kind, p)
		}
		if compiled.Name != "my-own" {
			t.Errorf("%s: it is called %q", kind, compiled.Name)
		}
		for _, warning := range compile.Warnings(compiled) {
			t.Errorf("%s: %s", kind, warning)
		}
		formatted, problems := layout.Format("my-own.yaml", text)
		if diff := cmp.Diff(string(text), string(formatted)); diff != "" || len(problems) > 0 {
			t.Errorf("%s: %v (-skeleton +formatted):\n%s", kind, problems, diff)
		}
	}
}
