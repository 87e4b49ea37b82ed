package layout

import (
	"slices"
	"strings"

	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// leaf is a value without lines of its own: a scalar, {…} or […].
type leaf struct {
	lines   []string // as written; the first one without its indent
	parent  int      // column of the block around it
	literal bool     // a block of text, | or >
	own     int      // of a literal: the indent of its text
	fixed   bool     // of a literal: the indent is given, counted from the block around
	ends    int      // of a literal that keeps them: blank lines at its end
	keeps   bool     // of a literal: a blank line below would belong to it
	flow    bool     // {…} or […]
}

func (s *scanner) leaf(n *syntax.Node, c context, parent int) *leaf {
	switch s.here() {
	case '|', '>':
		return s.literal(n, parent)
	case '{', '[':
		return &leaf{lines: strings.Split(s.flow(n, c), "\n"), parent: parent, flow: true}
	}
	return s.scalar(n, parent)
}

// scalar reads a plain or quoted scalar.
func (s *scanner) scalar(n *syntax.Node, parent int) *leaf {
	line, col := s.line, s.col
	switch s.here() {
	case '"':
		s.quoted('"', '\\')
	case '\'':
		s.quoted('\'', 0)
	default:
		last := n.At(max(len([]rune(n.Text))-1, 0))
		s.line, s.col = last.Line-1, last.Column
	}
	return &leaf{lines: strings.Split(s.text(line, col), "\n"), parent: parent}
}

// quoted moves behind a quoted scalar. Two single quotes are one inside; they read as two scalars here.
func (s *scanner) quoted(quote, escape rune) {
	for s.col++; !s.end(); s.line, s.col = s.line+1, 0 {
		for line := s.lines[s.line]; s.col < len(line); s.col++ {
			switch {
			case escape != 0 && line[s.col] == escape:
				s.col++
			case line[s.col] != quote:
			case quote == '\'' && s.col+1 < len(line) && line[s.col+1] == quote:
				s.col++
			default:
				s.col++
				return
			}
		}
	}
	s.fail()
}

// text gives what stands from there to the cursor.
func (s *scanner) text(line, col int) string {
	if s.end() || s.line < line || s.col > len(s.lines[s.line]) || s.line == line && s.col < col {
		s.fail()
		return ""
	}
	if s.line == line {
		return string(s.lines[line][col:s.col])
	}
	out := []string{string(s.lines[line][col:])}
	for _, l := range s.lines[line+1 : s.line] {
		out = append(out, string(l))
	}
	return strings.Join(append(out, string(s.lines[s.line][:s.col])), "\n")
}

// literal reads a block of text. A comment behind its mark is a part of it here.
func (s *scanner) literal(n *syntax.Node, parent int) *leaf {
	head := trimmed(s.lines[s.line][s.col:])
	mark, _, _ := strings.Cut(head, "#")
	remark := head[len(mark):]
	if remark != "" {
		s.note([]rune(remark))
	}
	l := &leaf{parent: parent, literal: true, own: s.detect(parent)}
	if digit := strings.IndexAny(mark, "123456789"); digit >= 0 {
		l.fixed, l.own = true, parent+int(mark[digit]-'0')
	}
	if n.Text != "" && !strings.HasSuffix(n.Text, "\n") { // also where the file ends within the last line
		mark = mark[:1] + "-" + strings.NewReplacer("+", "", "-", "").Replace(mark[1:])
	}
	if l.keeps = strings.Contains(mark, "+"); l.keeps {
		text := strings.TrimRight(n.Text, "\n")
		l.ends = len(n.Text) - len(text) - min(len(text), 1)
	}
	l.lines = append([]string{mark + remark}, s.body(l.own)...)
	return l
}

// detect finds the indent of a block of text as YAML does: that of its first line that is not blank, or of a longer
// blank one before it.
func (s *scanner) detect(parent int) int {
	own := parent + 1
	for _, line := range s.lines[min(s.line+1, len(s.lines)):] {
		own = max(own, spaces(line))
		if spaces(line) < len(line) {
			break
		}
	}
	return own
}

// body moves behind the text, and gives it without its indent and without the blank lines at its end.
func (s *scanner) body(own int) []string {
	var out []string
	size := 0
	for s.line++; !s.end(); s.line++ {
		line := s.lines[s.line]
		if len(line) > own && spaces(line) >= own {
			out = append(out, string(line[own:]))
			size = len(out)
			continue
		}
		if spaces(line) < len(line) {
			break
		}
		out = append(out, "")
	}
	s.line, s.col = s.line-(len(out)-size), 0
	return out[:size]
}

func spaces(line []rune) int {
	if i := slices.IndexFunc(line, func(r rune) bool { return r != ' ' }); i >= 0 {
		return i
	}
	return len(line)
}
