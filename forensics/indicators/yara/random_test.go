package yara_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/internal/labenv"
)

// dice make rules and files of few bytes, so that they meet.
type dice struct{ *rand.Rand }

func (d dice) of(all ...string) string { return all[d.IntN(len(all))] }

func (d dice) regex(depth int) string {
	var b strings.Builder
	for range 1 + d.IntN(4) {
		item := d.of("a", "b", "ab", "c", ".", "[ab]", "[^a]", `\w`, `\x00`, "B")
		if depth > 0 && d.IntN(3) == 0 {
			item = "(" + d.regex(depth-1) + "|" + d.regex(depth-1) + ")"
		}
		b.WriteString(item + d.of("", "", "", "*", "+", "?", "{1,3}", "{2}"))
	}
	return b.String()
}

func (d dice) hex() string {
	var b strings.Builder
	b.WriteString("61")
	for range 1 + d.IntN(4) {
		b.WriteString(d.of(" 62", " 61", " ??", " 6?", " [0-3]", " [2]", " ( 61 | 62 63 )", " ?1") + d.of(" 61", " 62", " 63"))
	}
	return b.String()
}

func (d dice) text() string {
	b := make([]byte, 1+d.IntN(5))
	for i := range b {
		b[i] = "abcB"[d.IntN(4)]
	}
	return string(b)
}

func (d dice) file() []byte {
	b := make([]byte, 20+d.IntN(200))
	for i := range b {
		b[i] = "aaabbbcB\x00\x00 \n"[d.IntN(12)]
	}
	return b
}

func (d dice) rule(n int) string {
	value := map[int]string{
		0: fmt.Sprintf("%q %s", d.text(), d.of("", "wide", "nocase", "fullword", "wide ascii nocase", "wide fullword")),
		1: "{ " + d.hex() + " }",
	}[d.IntN(3)]
	if value == "" { // the fixed byte keeps it from matching nothing at all
		value = "/b" + d.regex(1) + "/" + d.of("", "i", "s") + d.of("", " wide", " wide ascii", " fullword")
	}
	return fmt.Sprintf("rule r%d { strings: $a = %s condition: #a > 0 }\n", n, value)
}

// TestAsYaraAtRandom compares rules and files that are thrown with dice, the same in every run.
func TestAsYaraAtRandom(t *testing.T) {
	labenv.NeedTool(t, "yara", "apt-get install yara")
	dir, compared := t.TempDir(), 0
	for seed := range uint64(40) {
		d := dice{rand.New(rand.NewPCG(seed, 1))}
		var text strings.Builder
		for n := range 20 {
			text.WriteString(d.rule(n))
		}
		source := filepath.Join(dir, fmt.Sprintf("%d.yar", seed))
		if err := os.WriteFile(source, []byte(text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		rules := compile(t, text.String())
		content := d.file()
		file := filepath.Join(dir, "file")
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		want, err := askYara(source, file)
		if err != nil { // yara itself gives some of these expressions up
			continue
		}
		compared++
		if diff := cmp.Diff(offsets(want), offsets(ours(t, rules, content))); diff != "" {
			t.Fatalf("%s\n%q\nyara -, ours +\n%s", text.String(), content, diff)
		}
	}
	if compared < 20 {
		t.Errorf("yara gave up all but %d of the rule files", compared)
	}
}

// offsets leaves out how long matches are: where a string matches in two forms at one place, yara gives the length of
// whichever it came to last.
func offsets(lines []string) []string {
	out := make([]string, len(lines))
	for i, line := range lines {
		out[i], _, _ = strings.Cut(line, "+")
	}
	return out
}
