package yara_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/forensics/indicators/yara"
)

var update = flag.Bool("update", false, "write what is said anew")

// TestProblems holds what is said of rules outside the subset against the file beside them, and finds the rules between
// them that are inside.
func TestProblems(t *testing.T) {
	files, err := filepath.Glob("testdata/problems/*.yar")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		rules, problems := yara.Compile(yara.Source{Name: filepath.Base(file), Text: string(text)})
		var said strings.Builder
		for _, p := range problems {
			said.WriteString(p.Error() + "\n")
		}
		golden := strings.TrimSuffix(file, ".yar") + ".out"
		if *update {
			if err := os.WriteFile(golden, []byte(said.String()), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), said.String()); diff != "" {
			t.Errorf("%s: -want +got\n%s", file, diff)
		}
		if got := ours(t, rules, []byte("a text")); !cmp.Equal(got, []string{"good $a 2+4", "rule good", "rule last_good", "rule twice"}) {
			t.Errorf("%s: %q", file, got)
		}
	}
}
