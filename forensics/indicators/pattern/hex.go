package pattern

import (
	"fmt"
	"strconv"
	"strings"
)

// Hex reads what stands between the braces of a hexadecimal string: bytes (4D), half known ones (4? ?D), unknown ones
// (??), all but one (~4D), jumps ([4], [2-8]) and alternatives ((4D | 5A 4D)). A jump needs an upper bound.
func Hex(text string) (*Node, error) {
	p := &hexParser{text: text}
	n, err := p.alternatives(0)
	if err != nil {
		return nil, err
	}
	if p.next() != 0 {
		return nil, p.fail("%q closes nothing", p.text[p.at])
	}
	if first, last := n.ends(); first.Kind == Repeat || last.Kind == Repeat {
		return nil, p.fail("a jump stands between bytes, not first or last")
	}
	return n, nil
}

// ends gives the first and the last part of a sequence.
func (n *Node) ends() (first, last *Node) {
	if n.Kind != Concat || len(n.Subs) == 0 {
		return n, n
	}
	return n.Subs[0], n.Subs[len(n.Subs)-1]
}

type hexParser struct {
	text string
	at   int
}

func (p *hexParser) fail(format string, args ...any) error {
	return &SyntaxError{At: p.at, Why: fmt.Sprintf(format, args...)}
}

// next gives the next byte that is no space and no comment, or zero at the end.
func (p *hexParser) next() byte {
	for p.at < len(p.text) {
		rest := p.text[p.at:]
		switch {
		case strings.IndexByte(" \t\r\n", rest[0]) >= 0:
			p.at++
		case strings.HasPrefix(rest, "//"):
			p.at += lengthTo(rest, "\n", 0)
		case strings.HasPrefix(rest, "/*"):
			p.at += lengthTo(rest, "*/", 2)
		default:
			return rest[0]
		}
	}
	return 0
}

// lengthTo is how many bytes lie before the end of what was found, or all.
func lengthTo(s, what string, from int) int {
	if i := strings.Index(s[from:], what); i >= 0 {
		return from + i + len(what)
	}
	return len(s)
}

func (p *hexParser) alternatives(depth int) (*Node, error) {
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
		if depth == 0 || p.next() != '|' {
			break
		}
		p.at++
	}
	if len(out.Subs) == 1 {
		return out.Subs[0], nil
	}
	return out, nil
}

func (p *hexParser) sequence(depth int) (*Node, error) {
	out := &Node{Kind: Concat}
	for {
		c := p.next()
		if c == 0 || c == ')' || c == '|' {
			break
		}
		n, err := p.item(c, depth)
		if err != nil {
			return nil, err
		}
		out.Subs = append(out.Subs, n)
	}
	if len(out.Subs) == 0 {
		return nil, p.fail("no bytes stand here")
	}
	return out, nil
}

func (p *hexParser) item(c byte, depth int) (*Node, error) {
	switch c {
	case '(':
		return p.group(depth)
	case '[':
		return p.jump()
	case '~':
		p.at++
		n, err := p.byteSet()
		if err == nil && n.Set.Size() == 256 {
			return nil, p.fail("no byte is left by ~??")
		}
		if err != nil {
			return nil, err
		}
		return &Node{Kind: OneOf, Set: n.Set.Not()}, nil
	}
	return p.byteSet()
}

func (p *hexParser) group(depth int) (*Node, error) {
	p.at++
	n, err := p.alternatives(depth + 1)
	if err != nil {
		return nil, err
	}
	if p.next() != ')' {
		return nil, p.fail("a bracket is not closed")
	}
	p.at++
	return n, nil
}

// byteSet reads two digits, each of which may be a question mark.
func (p *hexParser) byteSet() (*Node, error) {
	if p.at+2 > len(p.text) {
		return nil, p.fail("half a byte stands at the end")
	}
	high, low := hexDigit(p.text[p.at]), hexDigit(p.text[p.at+1])
	if high == badDigit || low == badDigit {
		return nil, p.fail("%q is no byte in hexadecimal digits", p.text[p.at:p.at+2])
	}
	p.at += 2
	var s Set
	for b := range 256 {
		if (high == anyDigit || b>>4 == high) && (low == anyDigit || b&15 == low) {
			s = s.And(Of(byte(b)))
		}
	}
	return &Node{Kind: OneOf, Set: s}, nil
}

const (
	anyDigit = -1
	badDigit = -2
)

func hexDigit(c byte) int {
	if c == '?' {
		return anyDigit
	}
	n, err := strconv.ParseUint(string(rune(c)), 16, 8)
	if err != nil {
		return badDigit
	}
	return int(n)
}

func (p *hexParser) jump() (*Node, error) {
	inside, _, closed := strings.Cut(p.text[p.at+1:], "]")
	if !closed {
		return nil, p.fail("a jump is not closed")
	}
	from, to, isRange := strings.Cut(inside, "-")
	if isRange && strings.TrimSpace(to) == "" {
		return nil, p.fail("a jump without an upper bound is outside the subset: write one, %d at most", MaxMatch)
	}
	if !isRange {
		to = from
	}
	if strings.TrimSpace(from) == "" && isRange {
		from = "0"
	}
	low, err1 := strconv.Atoi(strings.TrimSpace(from))
	high, err2 := strconv.Atoi(strings.TrimSpace(to))
	if err1 != nil || err2 != nil || low < 0 || high < low || high > MaxMatch {
		return nil, p.fail("%q is no jump: write [n] or [n-m], %d at most", "["+inside+"]", MaxMatch)
	}
	p.at += len(inside) + 2
	return &Node{Kind: Repeat, Subs: []*Node{{Kind: OneOf, Set: Set{}.Not()}}, Min: low, Max: high, Lazy: true}, nil
}
