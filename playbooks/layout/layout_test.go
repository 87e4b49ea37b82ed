package layout

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

var update = flag.Bool("update", false, "rewrite the expected results in testdata")

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

// TestGolden formats testdata/X.in.yaml to X.yaml, and X.yaml to itself.
func TestGolden(t *testing.T) {
	for _, file := range files(t, "testdata/*.in.yaml") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			got, problems := Format(file, read(t, file))
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			want := strings.TrimSuffix(file, ".in.yaml") + ".yaml"
			if *update {
				if err := os.WriteFile(want, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(strings.Split(string(read(t, want)), "\n"), strings.Split(string(got), "\n")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			again(t, got)
		})
	}
}

// again formats what was formatted: nothing may change.
func again(t *testing.T, once []byte) {
	t.Helper()
	twice, problems := Format("f", once)
	if diff := cmp.Diff(string(once), string(twice)); diff != "" || len(problems) > 0 {
		t.Errorf("formatting twice is not the same as once: %v (-once +twice):\n%s", problems, diff)
	}
}

// FuzzFormat formats whatever can be read as YAML: what it says and its comments stay, and a second time changes nothing.
func FuzzFormat(f *testing.F) {
	for _, pattern := range []string{"testdata/*.yaml", "../compile/testdata/*/*.yaml", "../library/*.yaml"} {
		for _, file := range files(f, pattern) {
			f.Add(read(f, file))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		root, problems := syntax.Parse("f", data)
		if len(problems) > 0 {
			return
		}
		out, comments, problem := lay(root, data)
		if problem != nil {
			return
		}
		after, problems := syntax.Parse("f", out)
		if len(problems) > 0 || !same(root, after) {
			t.Fatalf("%v: it says something else now:\n%s\n%q", problems, out, out)
		}
		_, kept, problem := lay(after, out)
		slices.Sort(comments)
		slices.Sort(kept)
		if diff := cmp.Diff(comments, kept); diff != "" || problem != nil {
			t.Fatalf("%v: other comments (-before +after):\n%s\n%s", problem, diff, out)
		}
		again(t, out)
	})
}
