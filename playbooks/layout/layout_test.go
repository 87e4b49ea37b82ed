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

func TestRefuses(t *testing.T) {
	const form = "this form of YAML cannot be laid out; write keys as `key: value` and items as `- item` [format]"
	for name, c := range map[string]struct{ yaml, want string }{
		"unreadable":      {"a: [b", "f:1:1: not readable as YAML: did not find expected ',' or ']'; inside {…} and […] quote what has commas, braces or quotes of its own [yaml]"},
		"anchor":          {"a: &b c", "f:1:4: anchors are not supported; write the value again where it is needed [anchor]"},
		"explicit key":    {"b: c\n? a\n: b\n", "f:2:1: " + form},
		"explicit inside": {"a: {? b : c}", "f:1:5: " + form},
		"marker as a key": {"  ... a: b", "f:1:8: " + form},
		"odd line break":  {"a: b\nc: \"d\u2028e\"", "f:2:6: a line is broken here by a character that editors do not show; write it as an escape in double quotes [format]"},
	} {
		out, problems := Format("f", []byte(c.yaml))
		var got []string
		for _, p := range problems {
			got = append(got, p.Error())
		}
		if diff := cmp.Diff([]string{c.want}, got); diff != "" || out != nil {
			t.Errorf("%s: %q (-want +got):\n%s", name, out, diff)
		}
	}
}

// TestOneValue: a file that is one value has no lines to lay out.
func TestOneValue(t *testing.T) {
	for _, text := range []string{"{b: 1,  a: 2}\n", "just words", "--- |\n  text\n", "# x\n[a]\n"} {
		if out, problems := Format("f", []byte(text)); string(out) != text || len(problems) > 0 {
			t.Errorf("%q became %q, %v", text, out, problems)
		}
	}
}

// TestUnchanged: a result that says something else, or lacks a comment, would be refused.
func TestUnchanged(t *testing.T) {
	root, _ := syntax.Parse("f", []byte("a: 1 # x\nb: [c, {d: e}]\n"))
	for text, want := range map[string]bool{
		"a: 1 # x\nb: [c, {d: e}]\n":       true,
		"b: [c, {d: e}]\na: 1\n# x\n":      true,
		"a: 1\nb: [c, {d: e}]\n":           false,
		"a: '1' # x\nb: [c, {d: e}]\n":     false,
		"a: 1 # x\nb: [c, {d: f}]\n":       false,
		"a: 1 # x\nb: [c]\n":               false,
		"a: 1 # x\nb: [c, {d: e}]\nf: g\n": false,
		"a: 1 # x\nb: [c, {d: e}":          false,
	} {
		if got := unchanged("f", root, []string{"# x"}, []byte(text)); got != want {
			t.Errorf("%q: got %v", text, got)
		}
	}
}
