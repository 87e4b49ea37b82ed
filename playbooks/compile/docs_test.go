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

// TestLanguagePages compiles every example of the pages: whole playbooks, lists of steps, and parts of the top level.
func TestLanguagePages(t *testing.T) {
	for name, least := range map[string]int{"language.md": 5, "guards.md": 2} {
		t.Run(name, func(t *testing.T) { compilePage(t, name, least) })
	}
}

func compilePage(t *testing.T, name string, least int) {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", name))
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(string(page), block)
	if len(parts)-1 < least {
		t.Fatalf("%d examples", len(parts)-1)
	}
	for i, part := range parts[1:] {
		text, _, _ := strings.Cut(part, "```")
		_, problems := compile.With(fmt.Sprintf("example %d", i+1), []byte(whole(text)), beside())
		for _, p := range problems {
			if p.Rule != "unused-input" || strings.HasPrefix(text, "apiVersion") {
				t.Errorf("%v\n%s", p, text)
			}
		}
	}
}

// beside is what stands beside the examples: the alert of a schedule, and a playbook that one of them calls.
func beside() compile.Options {
	const called = "apiVersion: firebreak/v1\nkind: Playbook\nmetadata: {name: pod-evidence, version: 1.4.0}\n" +
		"inputs: {namespace: {type: string, required: true}, pod: {type: string, required: true}}\n" +
		"steps: [{id: note, phase: preserve, set: {files: 2, of: \"${{ inputs.namespace + '/' + inputs.pod }}\"}}]\n" +
		"outputs: {files: \"${{ steps.note.output.files }}\"}\n"
	return compile.Options{
		Catalog: all.Catalog(all.Deps{}),
		Read:    func(string) ([]byte, error) { return []byte(`{"rule": "Terminal shell in container"}`), nil },
		Find: func(string) ([]compile.Source, error) {
			return []compile.Source{{File: "pod-evidence.yaml", Data: []byte(called)}}, nil
		},
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
