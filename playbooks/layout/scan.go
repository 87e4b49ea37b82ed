package layout

import (
	"strings"

	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// scanner walks the text from token to token, led by the tree that was read from it, and collects what the tree does not
// hold: comments and blank lines.
type scanner struct {
	file     string
	lines    [][]rune
	line     int // from 0
	col      int
	last     *item // whose line the cursor is behind
	comments []string
	problem  *syntax.Problem
}

// comment is a comment with lines of its own.
type comment struct {
	text  string
	col   int
	blank bool // a blank line stands above
}

// trail is a comment behind something, and its further lines, which stand exactly below.
type trail struct {
	text string
	col  int
	gap  int // blanks before it
	more []string
}

// trivia is what stands between two tokens.
type trivia struct {
	trail trail
	own   []comment
	blank bool // a blank line stands right above the token
	below bool // the token has a line of its own
}

// next moves to the next token, or to the end.
func (s *scanner) next() trivia {
	var t trivia
	fresh, start := s.col == 0, s.col
	for ; s.line < len(s.lines); s.line, s.col, fresh = s.line+1, 0, true {
		line := s.lines[s.line]
		for s.col < len(line) && (line[s.col] == ' ' || line[s.col] == '\t') {
			s.col++
		}
		if s.col < len(line) && line[s.col] != '#' {
			return t
		}
		t.below = true
		s.remark(&t, line, fresh, start)
	}
	return t
}

// remark takes what stands at the cursor of a line that holds no token there: a comment or nothing.
func (s *scanner) remark(t *trivia, line []rune, fresh bool, start int) {
	switch {
	case s.col == len(line):
		t.blank = t.blank || fresh
		return
	case fresh:
		t.own = append(t.own, comment{text: s.note(line[s.col:]), col: s.col, blank: t.blank})
	default:
		t.trail = trail{text: s.note(line[s.col:]), col: s.col, gap: s.col - start}
	}
	t.blank = false
}

// note keeps a comment.
func (s *scanner) note(text []rune) string {
	c := trimmed(text)
	s.comments = append(s.comments, c)
	return c
}

func trimmed(text []rune) string { return strings.TrimRight(string(text), " \t") }

func (s *scanner) end() bool { return s.line >= len(s.lines) }

// here gives the character at the cursor, or 0.
func (s *scanner) here() rune {
	if s.end() || s.col >= len(s.lines[s.line]) {
		return 0
	}
	return s.lines[s.line][s.col]
}

// take moves behind an indicator.
func (s *scanner) take(want rune) bool {
	if s.here() != want {
		s.fail()
		return false
	}
	s.col++
	return true
}

// reach checks that the cursor is where the tree says that a node begins.
func (s *scanner) reach(n *syntax.Node) bool {
	if s.line != n.Line-1 || s.col != n.Column-1 {
		s.fail()
	}
	return s.problem == nil
}

// at tells whether the line of the cursor begins with a document's marker.
func (s *scanner) at(marker string) bool {
	if s.end() || s.col != 0 {
		return false
	}
	rest, ok := strings.CutPrefix(string(s.lines[s.line]), marker)
	return ok && (rest == "" || strings.HasPrefix(rest, " ") || strings.HasPrefix(rest, "\t"))
}

func (s *scanner) fail() {
	if s.problem != nil {
		return
	}
	at := syntax.Position{File: s.file, Line: min(s.line+1, len(s.lines)), Column: s.col + 1}
	p := at.Problem(Rule, "this form of YAML cannot be laid out; write keys as `key: value` and items as `- item`")
	s.problem = &p
}
