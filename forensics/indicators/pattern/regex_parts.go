package pattern

import (
	"strconv"
	"strings"
)

// class reads a class behind its opening bracket.
func (p *regexParser) class() (Set, error) {
	negated := p.peek() == '^'
	if negated {
		p.at++
	}
	var s Set
	for first := true; ; first = false {
		if p.at == len(p.text) {
			return Set{}, p.fail("a class is not closed")
		}
		if p.peek() == ']' && !first {
			p.at++
			break
		}
		part, err := p.classPart()
		if err != nil {
			return Set{}, err
		}
		s = s.And(part)
	}
	if p.fold {
		s = s.Folded()
	}
	if negated {
		s = s.Not()
	}
	return s, nil
}

// classPart reads one byte, one escape or one range.
func (p *regexParser) classPart() (Set, error) {
	low, err := p.classByte()
	if err != nil {
		return Set{}, err
	}
	if !strings.HasPrefix(p.text[p.at:], "-") || strings.HasPrefix(p.text[p.at:], "-]") || low.Size() != 1 {
		return low, nil
	}
	p.at++
	if p.at == len(p.text) {
		return Set{}, p.fail("a class is not closed")
	}
	high, err := p.classByte()
	if err != nil {
		return Set{}, err
	}
	from, to := low.lowest(), high.lowest()
	if high.Size() != 1 || to < from {
		return Set{}, p.fail("a range of a class ends before it begins")
	}
	return Range(from, to), nil
}

func (p *regexParser) classByte() (Set, error) {
	c := p.peek()
	p.at++
	if c == '\\' {
		return p.escaped()
	}
	return Of(c), nil
}

func (s *Set) lowest() byte {
	for b := range 256 {
		if s.Has(byte(b)) {
			return byte(b)
		}
	}
	return 0
}

// quantified reads the quantifier behind an item, where there is one.
func (p *regexParser) quantified(n *Node) (*Node, error) {
	low, high, length, err := p.quantifier()
	if err != nil || length == 0 {
		return n, err
	}
	p.at += length
	lazy := p.peek() == '?'
	if lazy {
		p.at++
	}
	if _, _, more, _ := p.quantifier(); more > 0 {
		return nil, p.fail("a quantifier follows another")
	}
	if n.Kind >= FileStart {
		return nil, p.fail("what matches no byte cannot be repeated")
	}
	return &Node{Kind: Repeat, Subs: []*Node{n}, Min: low, Max: high, Lazy: lazy}, nil
}

// quantifier looks at the quantifier that stands here; its length is zero where none does. A brace that is none is a byte.
func (p *regexParser) quantifier() (low, high, length int, err error) {
	switch p.peek() {
	case '*':
		return 0, -1, 1, nil
	case '+':
		return 1, -1, 1, nil
	case '?':
		return 0, 1, 1, nil
	case '{':
		return p.braces()
	}
	return 0, 0, 0, nil
}

func (p *regexParser) braces() (low, high, length int, err error) {
	inside, _, closed := strings.Cut(p.text[p.at+1:], "}")
	if !closed || inside == "" || strings.Trim(inside, "0123456789,") != "" || strings.Count(inside, ",") > 1 {
		return 0, 0, 0, nil
	}
	from, to, isRange := strings.Cut(inside, ",")
	low, err1 := number(from, 0)
	high, err2 := number(to, -1)
	if !isRange {
		high = low
	}
	if err1 != nil || err2 != nil || low > MaxMatch || high > MaxMatch || high >= 0 && high < low {
		return 0, 0, 0, p.fail("%q is no count of repeats: %d is the most", "{"+inside+"}", MaxMatch)
	}
	return low, high, len(inside) + 2, nil
}

func number(s string, missing int) (int, error) {
	if s == "" {
		return missing, nil
	}
	return strconv.Atoi(s)
}
