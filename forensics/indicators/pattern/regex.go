package pattern

import (
	"fmt"
	"strconv"
	"strings"
)

// Regex reads a regular expression as YARA writes them: bytes, the dot, classes, groups, alternatives, the quantifiers
// * + ? {n} {n,} {,m} {n,m} and their lazy forms, ^ and $ for the start and the end of the file, \b \B \w \W \s \S \d \D
// and \xNN. With fold, letters of ASCII match in both cases; with dotAll the dot matches a line feed too. Look-around,
// back references, named groups and flags inside the expression are refused.
func Regex(text string, fold, dotAll bool) (*Node, error) {
	p := &regexParser{text: text, fold: fold, dotAll: dotAll}
	n, err := p.alternatives(0)
	if err != nil {
		return nil, err
	}
	if p.at < len(text) {
		return nil, p.fail("a closing bracket closes nothing")
	}
	return n, nil
}

type regexParser struct {
	text         string
	at           int
	fold, dotAll bool
}

func (p *regexParser) fail(format string, args ...any) error {
	return &SyntaxError{At: p.at, Why: fmt.Sprintf(format, args...)}
}

func (p *regexParser) peek() byte {
	if p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

func (p *regexParser) alternatives(depth int) (*Node, error) {
	if depth > maxDepth {
		return nil, p.fail("more than %d brackets lie in one another", maxDepth)
	}
	out := &Node{Kind: Alternate}
	for {
		n, err := p.sequence(depth)
		if err != nil {
			return nil, err
		}
		out.Subs = append(out.Subs, n)
		if p.at == len(p.text) || p.peek() != '|' {
			break
		}
		p.at++
	}
	if len(out.Subs) == 1 {
		return out.Subs[0], nil
	}
	return out, nil
}

func (p *regexParser) sequence(depth int) (*Node, error) {
	out := &Node{Kind: Concat}
	for p.at < len(p.text) && p.peek() != '|' && p.peek() != ')' {
		n, err := p.item(depth)
		if err != nil {
			return nil, err
		}
		if n, err = p.quantified(n); err != nil {
			return nil, err
		}
		out.Subs = append(out.Subs, n)
	}
	return out, nil
}

func (p *regexParser) item(depth int) (*Node, error) {
	c := p.peek()
	p.at++
	switch c {
	case '(':
		return p.group(depth)
	case '[':
		s, err := p.class()
		return &Node{Kind: OneOf, Set: s}, err
	case '\\':
		return p.escape()
	case '.':
		if p.dotAll {
			return &Node{Kind: OneOf, Set: Set{}.Not()}, nil
		}
		return &Node{Kind: OneOf, Set: Of('\n').Not()}, nil
	case '^':
		return &Node{Kind: FileStart}, nil
	case '$':
		return &Node{Kind: FileEnd}, nil
	case '*', '+', '?':
		p.at--
		return nil, p.fail("%q repeats nothing", c)
	}
	return p.one(Of(c)), nil
}

func (p *regexParser) one(s Set) *Node {
	if p.fold {
		s = s.Folded()
	}
	return &Node{Kind: OneOf, Set: s}
}

func (p *regexParser) group(depth int) (*Node, error) {
	if p.peek() == '?' {
		return nil, p.fail("(? is outside the subset: groups have no flags, names or look-around")
	}
	n, err := p.alternatives(depth + 1)
	if err != nil {
		return nil, err
	}
	if p.peek() != ')' {
		return nil, p.fail("a bracket is not closed")
	}
	p.at++
	return n, nil
}

func (p *regexParser) escape() (*Node, error) {
	switch p.peek() {
	case 'b':
		p.at++
		return &Node{Kind: Boundary}, nil
	case 'B':
		p.at++
		return &Node{Kind: Inside}, nil
	}
	s, err := p.escaped()
	if err != nil {
		return nil, err
	}
	return p.one(s), nil
}

// escaped reads what follows a backslash, in a class and outside.
func (p *regexParser) escaped() (Set, error) {
	if p.at == len(p.text) {
		return Set{}, p.fail("a backslash stands at the end")
	}
	c := p.peek()
	p.at++
	if s, ok := namedSet(c); ok {
		return s, nil
	}
	if i := strings.IndexByte("tnrfa", c); i >= 0 {
		return Of("\t\n\r\f\a"[i]), nil
	}
	switch {
	case c == 'x':
		return p.hexByte()
	case c >= '0' && c <= '9':
		return Set{}, p.fail("\\%c is outside the subset: there are no back references", c)
	case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
		return Set{}, p.fail("\\%c is no known escape", c)
	}
	return Of(c), nil
}

func namedSet(c byte) (Set, bool) {
	sets := map[byte]Set{
		'w': Range('a', 'z').And(Range('A', 'Z')).And(Range('0', '9')).And(Of('_')),
		's': Of(' ', '\t', '\n', '\r', '\v', '\f'),
		'd': Range('0', '9'),
	}
	s, ok := sets[c|0x20]
	if ok && c < 'a' {
		s = s.Not()
	}
	return s, ok
}

func (p *regexParser) hexByte() (Set, error) {
	if p.at+2 > len(p.text) {
		return Set{}, p.fail("\\x needs two hexadecimal digits")
	}
	n, err := strconv.ParseUint(p.text[p.at:p.at+2], 16, 8)
	if err != nil {
		return Set{}, p.fail("\\x needs two hexadecimal digits, not %q", p.text[p.at:p.at+2])
	}
	p.at += 2
	return Of(byte(n)), nil
}
