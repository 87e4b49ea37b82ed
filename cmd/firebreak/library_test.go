package main

import (
	"bytes"
	"testing"

	"github.com/firebreak-ir/firebreak/playbooks/library"
)

// TestEveryShippedPlaybookHasTests that run all its steps and branches, as a user would run them.
func TestEveryShippedPlaybookHasTests(t *testing.T) {
	for _, name := range library.Names() {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			file := "../../playbooks/library/" + name + ".yaml"
			if code := run(t.Context(), system{stdout: &out, stderr: &out}, []string{"test", file, "--least", "100"}); code != exitOK {
				t.Fatalf("ended with %d:\n%s", code, &out)
			}
		})
	}
}
