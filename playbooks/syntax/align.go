package syntax

import "gopkg.in/yaml.v3"

// writing is how a scalar is written in the file.
type writing int

const (
	plain writing = iota
	single
	double
	block
)

func style(s yaml.Style) writing {
	switch {
	case s&yaml.SingleQuotedStyle != 0:
		return single
	case s&yaml.DoubleQuotedStyle != 0:
		return double
	case s&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return block
	}
	return plain
}

// align walks a scalar's text and its writing in the file side by side, and notes every rune whose place does not
// simply follow the one before: after a quote, an escape, an indent or a folded line.
func align(lines [][]rune, n *Node, w writing) (starts []int, places []Position) {
	c := cursor{lines: lines, line: n.Line - 1, col: n.Column - 1}
	switch w {
	case single, double:
		c.col++
	case block:
		c.line, c.col = c.line+1, 0
	}
	expect := n.Position
	for i, r := range []rune(n.Text) {
		at, ok := c.find(r, w)
		if !ok {
			return starts, places
		}
		at.File = n.File
		if at != expect {
			starts, places = append(starts, i), append(places, at)
		}
		expect = at
		expect.Column++
	}
	return starts, places
}

// cursor is a place in the file; line and col count from 0.
type cursor struct {
	lines     [][]rune
	line, col int
}

func (c *cursor) here() Position { return Position{Line: c.line + 1, Column: c.col + 1} }

// find gives the place of the next rune of a scalar and moves behind it.
func (c *cursor) find(r rune, w writing) (Position, bool) {
	if r == ' ' || r == '\n' {
		return c.space(r), true
	}
	for c.line < len(c.lines) {
		if c.col >= len(c.lines[c.line]) {
			c.line, c.col = c.line+1, 0
			continue
		}
		at, now := c.here(), c.lines[c.line][c.col]
		switch {
		case now == '\\' && w == double:
			if c.escape(r) {
				return at, true
			}
			continue
		case now == r:
			c.col++
			if r == '\'' && w == single {
				c.col++
			}
			return at, true
		case now != ' ' && now != '\t':
			return Position{}, false
		}
		c.col++
	}
	return Position{}, false
}

// space gives the place of a blank or a line's end, which a fold may have made of several.
func (c *cursor) space(r rune) Position {
	at := c.here()
	if c.line >= len(c.lines) {
		return at
	}
	line := c.lines[c.line]
	switch {
	case c.col < len(line) && line[c.col] == '\\':
		c.escape(r)
	case c.col < len(line) && r == ' ' && line[c.col] == ' ':
		c.col++
	case c.col >= len(line):
		c.line, c.col = c.line+1, 0
	}
	return at
}

// escape moves behind an escape in double quotes; false when it stands for nothing, as at the end of a line.
func (c *cursor) escape(rune) bool {
	line := c.lines[c.line]
	if c.col+1 >= len(line) {
		c.line, c.col = c.line+1, 0
		return false
	}
	switch line[c.col+1] {
	case 'x':
		c.col += 4
	case 'u':
		c.col += 6
	case 'U':
		c.col += 10
	default:
		c.col += 2
	}
	return true
}
