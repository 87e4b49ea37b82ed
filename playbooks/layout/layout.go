// Package layout writes a playbook's YAML in its one form: keys in the order of the language, two spaces an indent, at
// most one blank line in a row. What a file says, its comments and its way of quoting stay as they are.
package layout

import (
	"bytes"
	"slices"
	"strings"

	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// Rule is the rule of problems with a file that is readable but cannot be laid out.
const Rule = "format"

// Format gives the file in its one form. A file that is not readable, or that uses forms of YAML which have no place in a
// playbook, gives problems and no text. Formatting twice gives the same as formatting once.
func Format(file string, data []byte) ([]byte, []syntax.Problem) {
	root, problems := syntax.Parse(file, data)
	if len(problems) > 0 {
		return nil, problems
	}
	out, comments, problem := lay(root, data)
	if problem != nil {
		return nil, []syntax.Problem{*problem}
	}
	if !unchanged(file, root, comments, out) {
		return nil, []syntax.Problem{root.Problem(Rule, "the file would say something else when formatted, so it is left as it is; "+
			"write it in a simpler form of YAML")}
	}
	return out, nil
}

// lay gives the new text and the comments in it.
func lay(root *syntax.Node, data []byte) ([]byte, []string, *syntax.Problem) {
	if at, odd := oddBreak(data); odd {
		at.File = root.File
		p := at.Problem(Rule, "a line is broken here by a character that editors do not show; write it as an escape in double quotes")
		return nil, nil, &p
	}
	s := &scanner{lines: split(data), file: root.File}
	doc := s.document(root)
	if s.problem != nil {
		return nil, nil, s.problem
	}
	if doc == nil {
		return data, nil, nil
	}
	return doc.write(), s.comments, nil
}

// unchanged tells whether the new text says the same as the old one, with the same comments.
func unchanged(file string, before *syntax.Node, comments []string, out []byte) bool {
	after, problems := syntax.Parse(file, out)
	if len(problems) > 0 || !same(before, after) {
		return false
	}
	_, again, problem := lay(after, out)
	slices.Sort(comments)
	slices.Sort(again)
	return problem == nil && slices.Equal(comments, again)
}

// same compares two trees; the order of a map's keys says nothing.
func same(a, b *syntax.Node) bool {
	if a == nil || b == nil || a.Kind != b.Kind || a.Text != b.Text || len(a.Entries) != len(b.Entries) {
		return a == b
	}
	for _, e := range a.Entries {
		if !same(e.Value, b.Get(e.Key.Text)) {
			return false
		}
	}
	return slices.EqualFunc(a.Items, b.Items, same)
}

// split breaks the text into lines, without an empty one behind the last line's end.
func split(data []byte) [][]rune {
	text := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(strings.TrimPrefix(string(data), "\ufeff"))
	var out [][]rune
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		out = append(out, []rune(line))
	}
	return out
}

// oddBreak finds a line separator that YAML knows and people do not.
func oddBreak(data []byte) (syntax.Position, bool) {
	i := bytes.IndexAny(data, "\u0085\u2028\u2029")
	if i < 0 {
		return syntax.Position{}, false
	}
	lines := split(data[:i])
	return syntax.Position{Line: len(lines), Column: len(lines[len(lines)-1]) + 1}, true
}
