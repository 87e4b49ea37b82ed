package compile

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

var update = flag.Bool("update", false, "rewrite the expected outputs in testdata")

func files(t testing.TB, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.FromSlash(pattern))
	if err != nil || len(found) == 0 {
		t.Fatalf("%s: %v, %d files", pattern, err, len(found))
	}
	return found
}

func read(t testing.TB, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func compileFile(t testing.TB, file string) (plan.Plan, []syntax.Problem) {
	t.Helper()
	return Compile(filepath.Base(file), read(t, file), testCatalog())
}

// compileInFolder compiles a playbook that may name files beside it.
func compileInFolder(t testing.TB, file string) (plan.Plan, []syntax.Problem) {
	t.Helper()
	return With(filepath.Base(file), read(t, file), Options{
		Catalog: testCatalog(),
		Read:    func(name string) ([]byte, error) { return os.ReadFile(filepath.Join(filepath.Dir(file), name)) },
		Alert: func(raw []byte) (a plan.Alert, err error) {
			a.Source = "falco"
			return a, json.Unmarshal(raw, &struct{ Rule, Priority *string }{&a.Rule, &a.Priority})
		},
	})
}

// golden compares text with the file beside the input, or rewrites that file.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(strings.Split(string(read(t, file)), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func TestPlaybooksThatCompile(t *testing.T) {
	for _, file := range files(t, "testdata/ok/*.yaml") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			p, problems := compileInFolder(t, file)
			for _, problem := range problems {
				t.Error(problem)
			}
			if len(problems) > 0 {
				return
			}
			survivesJSON(t, p)
			p.Hash, p.Catalog, p.Declared = "", "", nil // they follow from the rest, and from types that others own
			raw, err := json.MarshalIndent(p, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".json", string(raw)+"\n")
		})
	}
}

// survivesJSON is what the workflow relies on: the plan travels as JSON and is the same plan afterwards.
func survivesJSON(t *testing.T, p plan.Plan) {
	t.Helper()
	raw, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var after plan.Plan
	if err := json.Unmarshal(raw, &after); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(after)
	if err != nil {
		t.Fatal(err)
	}
	if string(again) != string(raw) {
		t.Errorf("the plan changed on its way through JSON:\n%s\n%s", raw, again)
	}
	after.Hash = ""
	bare, err := json.Marshal(after)
	if err != nil {
		t.Fatal(err)
	}
	if digest(bare) != p.Hash {
		t.Error("the hash is not the one of the plan")
	}
	if _, err := plan.NewEvaluator().For(after); err != nil {
		t.Error(err)
	}
}

func TestPlaybooksThatDoNot(t *testing.T) {
	for _, file := range files(t, "testdata/err/*.yaml") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			p, problems := compileFile(t, file)
			if len(problems) == 0 || p.Name != "" {
				t.Errorf("it compiled to %q", p.Name)
			}
			var lines []string
			for _, problem := range problems {
				lines = append(lines, problem.Error())
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".out", strings.Join(lines, "\n")+"\n")
		})
	}
}

func TestTenMistakesGiveTenLines(t *testing.T) {
	_, problems := compileFile(t, "testdata/err/ten.yaml")
	rules := map[string]bool{}
	for _, p := range problems {
		rules[p.Rule] = true
	}
	if len(problems) != 10 || len(rules) != 10 {
		t.Errorf("got %d problems of %d kinds, want 10 of 10", len(problems), len(rules))
	}
}

func TestSameTextSamePlan(t *testing.T) {
	file := files(t, "testdata/ok/*.yaml")[0]
	first, _ := compileFile(t, file)
	for range 20 {
		again, _ := compileFile(t, file)
		if diff := cmp.Diff(first, again); diff != "" {
			t.Fatalf("(-first +again):\n%s", diff)
		}
	}
}
