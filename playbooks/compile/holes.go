package compile

import (
	"strings"

	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// An expression inside a value stands between these two; a further $ before it makes it plain text.
const (
	opening = "${{"
	closing = "}}"
)

// piece is either words or an expression of a scalar.
type piece struct {
	words string
	expr  *span
}

// pieces takes a scalar apart. A hole without an end is a problem at its beginning.
func (c *compiler) pieces(n *syntax.Node) ([]piece, bool) {
	var out []piece
	text, at := n.Text, 0 // at counts runes
	for {
		before, rest, found := strings.Cut(text, opening)
		if !found {
			return appendWords(out, text), true
		}
		at += runes(before) + runes(opening)
		if strings.HasSuffix(before, "$") {
			out = appendWords(out, before[:len(before)-1]+opening)
			text = rest
			continue
		}
		out = appendWords(out, before)
		end := holeEnd(rest)
		if end < 0 {
			c.reader.Add(n.At(at-runes(opening)).Problem("expression", "this ${{ has no }}"))
			return nil, false
		}
		source := rest[:end]
		trimmed := strings.TrimLeft(source, " \t\n")
		out = append(out, piece{expr: &span{node: n, start: at + runes(source) - runes(trimmed), source: strings.TrimSpace(source)}})
		at += runes(source) + runes(closing)
		text = rest[end+len(closing):]
	}
}

func runes(text string) int { return len([]rune(text)) }

func appendWords(out []piece, words string) []piece {
	if words == "" {
		return out
	}
	if last := len(out) - 1; last >= 0 && out[last].expr == nil {
		out[last].words += words
		return out
	}
	return append(out, piece{words: words})
}

// holeEnd finds the }} that ends a hole: not one inside of a text or of braces of the expression.
func holeEnd(text string) int {
	var quote byte
	depth := 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quote != 0 && c == '\\':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == '{':
			depth++
		case c == '}' && depth > 0:
			depth--
		case c == '}' && strings.HasPrefix(text[i:], closing):
			return i
		}
	}
	return -1
}
