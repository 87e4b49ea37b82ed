package layout

import (
	"slices"
	"strings"

	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// part is one entry of {…} or item of […].
type part struct {
	name string
	text string
}

// flow reads {…} or […] and gives it as it is to be written. In one line it gets the usual blanks; over several lines
// its line breaks stay.
func (s *scanner) flow(n *syntax.Node, c context) string {
	line, notes := s.line, len(s.comments)
	open := string(s.here())
	s.col++
	var parts []part
	var gaps []string
	if n.Kind == syntax.Map {
		parts, gaps = s.pairs(n, c)
	} else {
		parts, gaps = s.flowItems(n, c.item())
	}
	gaps = append(gaps, s.gap())
	closing := string(s.here())
	s.col++
	if n.Kind == syntax.Map && len(s.comments) == notes {
		sortParts(parts, c.order())
	}
	if s.line == line {
		return open + join(parts) + closing
	}
	var b strings.Builder
	b.WriteString(open)
	for i, p := range parts {
		text := p.text
		if strings.HasPrefix(gaps[i+1], "\n") {
			text = strings.TrimSuffix(text, " ")
		}
		b.WriteString(gaps[i] + text)
	}
	return b.String() + gaps[len(parts)] + closing
}

func (s *scanner) pairs(n *syntax.Node, c context) (parts []part, gaps []string) {
	for _, e := range n.Entries {
		gaps = append(gaps, s.gap())
		parts = append(parts, part{e.Key.Text, s.pair(e, c)})
	}
	return parts, gaps
}

func (s *scanner) flowItems(n *syntax.Node, c context) (parts []part, gaps []string) {
	for _, item := range n.Items {
		gaps = append(gaps, s.gap())
		text := ""
		if item.Kind == syntax.Map && s.here() != '{' {
			if len(item.Entries) != 1 {
				s.fail()
				return nil, nil
			}
			text = s.pair(item.Entries[0], other) // [key: value]
		} else {
			text = s.inFlow(item, c)
		}
		parts = append(parts, part{text: text})
	}
	return parts, gaps
}

// pair reads `key: value`; the colon may be missing before nothing.
func (s *scanner) pair(e syntax.Entry, c context) string {
	text := s.inFlow(e.Key, other)
	line, col := s.line, s.col
	t := s.next()
	if s.here() != ':' {
		s.line, s.col = line, col // a gap
		s.comments = s.comments[:len(s.comments)-t.count()]
		return text
	}
	s.col++
	if empty(e.Value) {
		for s.here() == ' ' || s.here() == '\t' {
			s.col++
		}
		return text + ": " // a colon right before a comma would be a part of the key
	}
	gap := s.gap()
	if !strings.Contains(gap, "\n") {
		gap = " "
	}
	return text + ":" + gap + s.inFlow(e.Value, c.under(e.Key.Text))
}

func empty(n *syntax.Node) bool { return n.Kind == syntax.Null && n.Text == "" }

// inFlow reads a value inside of {…} or […].
func (s *scanner) inFlow(n *syntax.Node, c context) string {
	if empty(n) || !s.reach(n) {
		return ""
	}
	if r := s.here(); r == '{' || r == '[' {
		return s.flow(n, c)
	}
	return strings.Join(s.scalar(n, 0).lines, "\n")
}

// gap reads up to the next thing that is neither a blank nor a comment nor a comma, and gives it with at most one
// blank line in a row.
func (s *scanner) gap() string {
	line, col := s.line, s.col
	s.next()
	if s.here() == ',' {
		s.col++
		s.next()
	}
	text := s.text(line, col)
	lines := strings.Split(text, "\n")
	if len(lines) == 1 {
		return text
	}
	for i := range lines[:len(lines)-1] {
		lines[i] = strings.TrimRight(lines[i], " \t")
	}
	blank := func(a, b string) bool { return a == "" && b == "" }
	return strings.Join(append(lines[:1], slices.CompactFunc(lines[1:], blank)...), "\n")
}

func (t trivia) count() int {
	n := len(t.own)
	if t.trail.text != "" {
		n++
	}
	return n
}

func join(parts []part) string {
	var out []string
	for _, p := range parts {
		out = append(out, p.text)
	}
	return strings.Join(out, ", ")
}

// sortParts puts the entries of {…} in order; the line breaks between them stay where they are.
func sortParts(parts []part, order []string) {
	slices.SortStableFunc(parts, func(a, b part) int { return rank(a.name, order) - rank(b.name, order) })
}
