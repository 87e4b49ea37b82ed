package main

import (
	"bytes"
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite expected results and generated documentation")

// TestReferenceIsTheCatalog keeps docs/activities.md from lying.
func TestReferenceIsTheCatalog(t *testing.T) {
	const name = "../../docs/activities.md"
	var got bytes.Buffer
	code := run(t.Context(), system{stdout: &got, stderr: &got}, []string{"activities", "--output", "markdown"})
	if code != exitOK {
		t.Fatalf("ended with %d: %s", code, &got)
	}
	if *update {
		if err := os.WriteFile(name, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("%s is not what the catalog says; write it with `go test ./cmd/firebreak -update` (-file +catalog):\n%s", name, diff)
	}
}
