package compile

import (
	"slices"
	"strings"
	"unicode"
)

// literalState is where in a text of PromQL a hole stands: inside which quotes, and whether these are of a regular
// expression. A quote in a comment opens nothing.
type literalState struct {
	quote   rune // 0 outside
	pattern bool
	escaped bool
	comment bool
	before  [2]rune   // the last two runes outside of quotes that are no blanks
	word    string    // the name that ends here, such as that of a function
	open    []bracket // those that are not closed
}

// bracket is an opening one, the name before it, and how many commas stand behind it so far.
type bracket struct {
	name   string
	commas int
}

func (l *literalState) read(words string) {
	for _, r := range words {
		switch {
		case l.comment:
			l.comment = r != '\n'
		case l.quote == 0:
			l.outside(r)
		case l.escaped:
			l.escaped = false
		case r == '\\' && l.quote != '`':
			l.escaped = true
		case r == l.quote:
			l.quote, l.before, l.word = 0, [2]rune{}, ""
		}
	}
}

func (l *literalState) outside(r rune) {
	switch {
	case r == '#':
		l.comment = true
	case strings.ContainsRune("'\"`", r):
		l.quote = r
		l.pattern = l.before == [2]rune{'=', '~'} || l.before == [2]rune{'!', '~'} || l.replaces()
	case unicode.IsSpace(r):
	default:
		l.brackets(r)
		l.before = [2]rune{l.before[1], r}
		l.word += string(r)
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' && r != ':' {
			l.word = ""
		}
	}
}

func (l *literalState) brackets(r rune) {
	switch last := len(l.open) - 1; {
	case strings.ContainsRune("({[", r):
		l.open = append(slices.Clone(l.open), bracket{name: l.word})
	case last < 0:
	case strings.ContainsRune(")}]", r):
		l.open = l.open[:last]
	case r == ',':
		l.open = slices.Clone(l.open)
		l.open[last].commas++
	}
}

// replaces tells whether the next literal is the regular expression of label_replace, its fifth argument.
func (l *literalState) replaces() bool {
	last := len(l.open) - 1
	return last >= 0 && l.open[last] == bracket{"label_replace", 4}
}
