package graph_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/activities/all"
	"github.com/firebreak-ir/firebreak/playbooks/compile"
	"github.com/firebreak-ir/firebreak/playbooks/graph"
	"github.com/firebreak-ir/firebreak/playbooks/library"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			p, problems := compile.Compile(file, text, all.Catalog(all.Deps{}))
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			drawn(t, strings.TrimSuffix(file, ".yaml")+".mmd", graph.Mermaid(p))
		})
	}
}

func TestTheLibraryIsDrawn(t *testing.T) {
	for _, name := range library.Names() {
		raw, _ := library.Find(name)
		p, problems := compile.Compile(library.Prefix+name, raw, all.Catalog(all.Deps{}))
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		wellFormed(t, graph.Mermaid(p))
	}
}

func drawn(t *testing.T, golden, got string) {
	t.Helper()
	wellFormed(t, got)
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Fatal(d)
	}
}

// wellFormed checks what Mermaid's grammar wants of the few forms that are used.
func wellFormed(t *testing.T, text string) {
	t.Helper()
	quoted := `"[^"\n]*"`
	forms := regexp.MustCompile(`^ *(flowchart TD|end|subgraph \w+\[` + quoted + `\]|\w+ (-->|-\.->)(\|` + quoted + `\|)? \w+|` +
		`\w+(\(\[` + quoted + `\]\)|\[` + quoted + `\]|\{` + quoted + `\}|\{\{` + quoted + `\}\}|\(\(` + quoted + `\)\)|\[/` + quoted + `/\]|\[\[` + quoted + `\]\]|\[\\` + quoted + `/\]|>` + quoted + `\]))$`)
	depth := 0
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if !forms.MatchString(line) {
			t.Errorf("line %d is no Mermaid: %s", i+1, line)
		}
		switch word, _, _ := strings.Cut(strings.TrimSpace(line), " "); word {
		case "subgraph":
			depth++
		case "end":
			depth--
		}
	}
	if depth != 0 {
		t.Errorf("%d frames are open", depth)
	}
}

func TestLabelsCannotEndThemselves(t *testing.T) {
	when := plan.Expr{Source: "a == \"x\"] --> evil; <b>`# style n1 fill:#f00"}
	text := graph.Mermaid(plan.Plan{Name: `n"]`, Steps: []plan.Step{{ID: "end", Phase: "identify", If: &when, Set: []plan.Entry{{}}}}})
	wellFormed(t, text)
	if strings.Contains(text, "<b>") || strings.Contains(text, "fill:") || strings.Contains(text, `"x"`) {
		t.Fatal(text)
	}
}
