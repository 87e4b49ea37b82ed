package syntax

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func show(problems []Problem) []string {
	var out []string
	for _, p := range problems {
		out = append(out, p.Error())
	}
	return out
}

func TestParseKeepsWhatIsWritten(t *testing.T) {
	root, problems := Parse("f", []byte("version: 1.10\nday: 2026-01-02\nyes: yes\nno: false\nnothing:\nhex: 0x10\nquoted: '1'\n"))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for key, want := range map[string]string{
		"version": "a number 1.10", "day": "text 2026-01-02", "yes": "text yes", "no": "a boolean false",
		"nothing": "nothing ", "hex": "a whole number 0x10", "quoted": "text 1",
	} {
		n := root.Get(key)
		if got := fmt.Sprintf("%s %s", n.Kind, n.Text); got != want {
			t.Errorf("%s: got %s, want %s", key, got, want)
		}
	}
	if root.Get("absent") != nil || (*Node)(nil).Get("x") != nil {
		t.Error("found what is not there")
	}
}

// TestPlacesInsideScalars marks the wanted place of the letter X with a line of its own in the comment.
func TestPlacesInsideScalars(t *testing.T) {
	for name, c := range map[string]struct {
		yaml         string
		line, column int
	}{
		"plain":              {"k: abcX", 1, 7},
		"plain, folded":      {"k: abc\n   def\n   geX", 3, 6},
		"single":             {"k: 'abX'", 1, 7},
		"single, escaped":    {"k: 'a''b''X'", 1, 11},
		"single, folded":     {"k: 'a\n\n    b X'", 3, 7},
		"double":             {`k: "abX"`, 1, 7},
		"double, escapes":    {`k: "\u00e4\n\x41\"\\X"`, 1, 21},
		"double, folded":     {"k: \"a  \n   b \\\n   cX\"", 3, 5},
		"literal":            {"k: |\n  ab\n\n    X", 4, 5},
		"literal, indented":  {"k:\n  - |-\n      ab\n      cX", 4, 8},
		"folded":             {"k: >-\n  ab\n  cd\n\n  eX", 5, 4},
		"other letters":      {"k: äöüX", 1, 7},
		"windows line ends":  {"a: 1\r\nk: |\r\n  ab\r\n  X\r\n", 4, 3},
		"inside a flow map":  {"a: 1\nk: {b: 'cX'}", 2, 10},
		"byte order mark":    {"\ufeffk: aX", 1, 5},
		"below a comment":    {"k: | # why\n  a X", 2, 5},
		"tab inside a value": {"k: a\tX", 1, 6},
	} {
		root, problems := Parse("f", []byte(c.yaml))
		if len(problems) > 0 {
			t.Errorf("%s: %v", name, problems)
			continue
		}
		n := leaf(root)
		at := n.At(strings.IndexRune(string(runesOnly(n.Text)), 'X'))
		if at.Line != c.line || at.Column != c.column {
			t.Errorf("%s: got %d:%d, want %d:%d", name, at.Line, at.Column, c.line, c.column)
		}
	}
}

// runesOnly makes every rune one byte, so that a byte index is a rune index.
func runesOnly(text string) []byte {
	var out []byte
	for _, r := range text {
		if r == 'X' {
			out = append(out, 'X')
			continue
		}
		out = append(out, '.')
	}
	return out
}

func leaf(n *Node) *Node {
	switch {
	case len(n.Entries) > 0:
		return leaf(n.Entries[len(n.Entries)-1].Value)
	case len(n.Items) > 0:
		return leaf(n.Items[len(n.Items)-1])
	}
	return n
}

func TestParseRefuses(t *testing.T) {
	for name, c := range map[string]struct{ yaml, want string }{
		"nothing":       {"", "f:1:1: the file is empty [empty]"},
		"comment":       {"# x\n", "f:1:1: the file is empty [empty]"},
		"duplicate":     {"a: 1\nb: 2\na: 3\n", `f:3:1: key "a" is given twice; the first is in line 1 [duplicate-key]`},
		"documents":     {"a: 1\n---\nb: 2\n", "f:2:1: a second document starts here; keep one document in a file and remove the `---` [documents]"},
		"list as key":   {"? [a]\n: b\n", "f:1:3: a key must be text [key]"},
		"not UTF-8":     {"a: b\nb: \xff\n", "f:2:4: the file is not UTF-8 here; save it as UTF-8 [encoding]"},
		"cut":           {"{if: f(a, b), c: d}", "f:1:6: this value ends at the comma: inside {…} an expression with commas must be quoted; quote it [quote]"},
		"hole in flow":  {"a: b\nwith: {x: ${{ y }}}", `f:2:11: an expression inside {…} or […] is cut by its braces and commas; quote it: "${{ … }}" [quote]`},
		"tab":           {"a:\n\tb: c", "f:2:1: not readable as YAML: the line is indented with a tab; YAML wants spaces [yaml]"},
		"unclosed":      {"a: [b", "f:1:1: not readable as YAML: did not find expected ',' or ']'; inside {…} and […] quote what has commas, braces or quotes of its own [yaml]"},
		"tag":           {"a: !!str 1", "f:1:4: YAML tags are not supported; remove !!str [tag]"},
		"bare tag":      {"a: ! 1", "f:1:4: YAML tags are not supported; remove ! [tag]"},
		"unknown alias": {"a: *b", "f:1:1: not readable as YAML: unknown anchor 'b' referenced [yaml]"},
	} {
		_, problems := Parse("f", []byte(c.yaml))
		if diff := cmp.Diff([]string{c.want}, show(problems)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestParseIsBounded(t *testing.T) {
	deep := strings.Repeat("[", 200) + strings.Repeat("]", 200)
	if _, problems := Parse("f", []byte(deep)); len(problems) != 1 || problems[0].Rule != "depth" {
		t.Errorf("depth: %v", show(problems))
	}
	if _, problems := Parse("f", make([]byte, MaxBytes+1)); len(problems) != 1 || problems[0].Rule != "size" {
		t.Errorf("size: %v", show(problems))
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"a: b", "{a: 'b', c: [d, \"e\\n\"]}", "a: |\n  b\n c", "a: &x b\nc: *x", "? a\n: b", "a: >-\n  b\n\n\n   c\n", "- - - a", "\ufeffa: 1"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		root, problems := Parse("f", data)
		if root == nil && len(problems) == 0 {
			t.Fatal("neither a tree nor a problem")
		}
		lines := len(splitLines(data)) + 1
		for _, p := range problems {
			if p.Line < 1 || p.Line > lines || p.Column < 1 || p.Message == "" || p.Rule == "" {
				t.Fatalf("a problem without a place: %+v", p)
			}
		}
		walk(t, root)
	})
}

// walk asks for every place: none may lie outside.
func walk(t *testing.T, n *Node) {
	if n == nil {
		return
	}
	for i := range len(n.Text) + 1 {
		if at := n.At(i); at.Line < 1 || at.Column < 1 {
			t.Fatalf("rune %d of %q is at %+v", i, n.Text, at)
		}
	}
	for _, e := range n.Entries {
		walk(t, e.Value)
	}
	for _, item := range n.Items {
		walk(t, item)
	}
}
