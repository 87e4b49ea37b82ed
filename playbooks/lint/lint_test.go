package lint

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

func problems() []syntax.Problem {
	at := func(file string, line, column int) syntax.Position {
		return syntax.Position{File: file, Line: line, Column: column}
	}
	return []syntax.Problem{
		at("a b/x,y:1%.yaml", 3, 7).Problem("unknown-key", "100%% wrong:\r\nsee, there"),
		at("b.yaml", 1, 1).Problem("yaml", "not <readable>"),
		at("b.yaml", 9, 2).Problem("unknown-key", "again"),
		at("/abs/c.yaml", 0, 0).Problem("made-up", "nobody described it"),
	}
}

func TestGitHub(t *testing.T) {
	var got bytes.Buffer
	if err := GitHub(&got, problems()[:2]); err != nil {
		t.Fatal(err)
	}
	want := "::error file=a b/x%2Cy%3A1%25.yaml,line=3,col=7,title=firebreak%3A unknown-key::100%25 wrong:%0D%0Asee, there\n" +
		"::error file=b.yaml,line=1,col=1,title=firebreak%3A yaml::not <readable>\n"
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestSARIF reads the log as a service does, by the names of the standard.
func TestSARIF(t *testing.T) {
	var out bytes.Buffer
	if err := SARIF(&out, "1.2.3", problems()); err != nil {
		t.Fatal(err)
	}
	var log map[string]any
	if err := json.Unmarshal(out.Bytes(), &log); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]any{
		"version":                                                              "2.1.0",
		"runs/0/columnKind":                                                    "unicodeCodePoints",
		"runs/0/tool/driver/name":                                              "Firebreak",
		"runs/0/tool/driver/version":                                           "1.2.3",
		"runs/0/tool/driver/rules/0/id":                                        "made-up",
		"runs/0/tool/driver/rules/1/id":                                        "unknown-key",
		"runs/0/tool/driver/rules/2/id":                                        "yaml",
		"runs/0/results/0/ruleId":                                              "unknown-key",
		"runs/0/results/0/ruleIndex":                                           1.0,
		"runs/0/results/0/level":                                               "error",
		"runs/0/results/0/message/text":                                        "100% wrong:\r\nsee, there",
		"runs/0/results/2/ruleIndex":                                           1.0,
		"runs/0/results/1/message/text":                                        "not <readable>",
		"runs/0/tool/driver/rules/3":                                           nil,
		"runs/0/results/4":                                                     nil,
		"runs/0/tool/driver/rules/0/description":                               nil,
		"runs/0/tool/driver/rules/2/shortDescription/text":                     "A file must be readable as YAML.",
		"runs/0/results/0/locations/0/physicalLocation/region/startLine":       3.0,
		"runs/0/results/0/locations/0/physicalLocation/region/startColumn":     7.0,
		"runs/0/results/0/locations/0/physicalLocation/artifactLocation/uri":   "a%20b/x,y:1%25.yaml",
		"runs/0/results/3/locations/0/physicalLocation/artifactLocation/uri":   "file:///abs/c.yaml",
		"runs/0/results/3/locations/0/physicalLocation/region/startLine":       1.0,
		"runs/0/results/3/locations/0/physicalLocation/region/startColumn":     1.0,
		"runs/0/tool/driver/rules/0/shortDescription":                          nil,
		"runs/0/results/1/locations/0/physicalLocation/artifactLocation/index": nil,
	} {
		if got := lookup(log, path); got != want {
			t.Errorf("%s: got %v, want %v", path, got, want)
		}
	}
}

// TestSARIFOfNothing: an empty list says that all was checked, null would say that nothing was.
func TestSARIFOfNothing(t *testing.T) {
	var out bytes.Buffer
	if err := SARIF(&out, "", nil); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"results": []`, `"rules": []`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %s in %s", want, &out)
		}
	}
}

func lookup(value any, path string) any {
	for word := range strings.SplitSeq(path, "/") {
		switch v := value.(type) {
		case map[string]any:
			value = v[word]
		case []any:
			i, err := strconv.Atoi(word)
			if err != nil || i >= len(v) {
				return nil
			}
			value = v[i]
		}
	}
	return value
}

// TestRulesAreDescribed reads the code: each rule that it reports has a description, and each description a rule.
func TestRulesAreDescribed(t *testing.T) {
	rules := reported(t, "../syntax", "../compile", "../layout", "../scenario", "../../config", "../../cmd/firebreak")
	for _, rule := range rules {
		if _, ok := Describe(rule); !ok {
			t.Errorf("the rule %q is reported and not described; add a sentence to rules.go", rule)
		}
	}
	for rule := range descriptions() {
		if !slices.Contains(rules, rule) {
			t.Errorf("the rule %q is described and nobody reports it", rule)
		}
	}
}

// reported finds the rules in the calls that make problems.
func reported(t *testing.T, folders ...string) []string {
	t.Helper()
	var out []string
	for _, folder := range folders {
		names, err := filepath.Glob(filepath.Join(folder, "*.go"))
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: %v, %d files", folder, err, len(names))
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				out = append(out, ruleOf(n)...)
				return true
			})
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// ruleOf gives the rule of a call such as Report(node, "rule", "sentence") or Problem("rule", "sentence").
func ruleOf(n ast.Node) []string {
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return nil
	}
	name := ""
	switch f := call.Fun.(type) {
	case *ast.SelectorExpr:
		name = f.Sel.Name
	case *ast.Ident:
		name = f.Name
	}
	at, ok := map[string]int{"Report": 1, "report": 1, "Problem": 0}[name]
	if !ok || at >= len(call.Args) {
		return nil
	}
	switch arg := call.Args[at].(type) {
	case *ast.BasicLit:
		if rule, err := strconv.Unquote(arg.Value); err == nil {
			return []string{rule}
		}
	case *ast.Ident:
		if arg.Name == "Rule" {
			return []string{"format"}
		}
	}
	return nil
}
