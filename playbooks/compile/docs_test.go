package compile_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firebreak-ir/firebreak/activities/all"
	"github.com/firebreak-ir/firebreak/playbooks/compile"
)

const (
	head  = "apiVersion: firebreak/v1\nkind: Playbook\nmetadata: {name: docs, version: 1.0.0}\n"
	block = "```yaml\n"
)

// TestLanguagePage compiles every example of the page: whole playbooks, lists of steps, and parts of the top level.
func TestLanguagePage(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "language.md"))
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(string(page), block)
	if len(parts) < 5 {
		t.Fatalf("%d examples", len(parts)-1)
	}
	for i, part := range parts[1:] {
		text, _, _ := strings.Cut(part, "```")
		_, problems := compile.Compile(fmt.Sprintf("example %d", i+1), []byte(whole(text)), all.Catalog(all.Deps{}))
		for _, p := range problems {
			if p.Rule != "unused-input" || strings.HasPrefix(text, "apiVersion") {
				t.Errorf("%v\n%s", p, text)
			}
		}
	}
}

func whole(text string) string {
	switch {
	case strings.HasPrefix(text, "apiVersion:"):
		return text
	case strings.HasPrefix(text, "- "):
		return head + "approvers: {ir-lead: {groups: [ir]}, ir-manager: {groups: [ir]}}\nsteps:\n" + text
	}
	return head + text + "steps:\n  - {id: seal, phase: improve, uses: evidence.seal}\n"
}
