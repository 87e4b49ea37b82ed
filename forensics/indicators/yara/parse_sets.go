package yara

import "strings"

// of reads what follows "any", "all", "none" or a number: of, and the strings.
func (p *parser) of(many quantifier, least *expr) (*expr, error) {
	if least != nil && least.boolean {
		return nil, mistakeAt(p.token.at, "a number, any, all or none stands before \"of\"")
	}
	if err := p.expect("of"); err != nil {
		return nil, err
	}
	set, err := p.stringSet()
	if err != nil {
		return nil, err
	}
	e := expr{op: opOf, boolean: true, set: set, many: many, args: []*expr{least}}
	if p.is("in") {
		ends, err := p.within()
		if err != nil {
			return nil, err
		}
		e.args = append(e.args, ends...)
		p.wantAll(set, wantsOffsets)
	}
	return p.node(e)
}

func (p *parser) wantAll(set []int, w wants) {
	for _, which := range set {
		p.rule.strings[which].want(w)
	}
}

// stringSet reads them, or ($a, $b*).
func (p *parser) stringSet() ([]int, error) {
	at := p.token.at
	if ok, err := p.accept("them"); err != nil {
		return nil, err
	} else if ok {
		return p.matching("$", at)
	}
	if err := p.expect("("); err != nil {
		return nil, err
	}
	var set []int
	for {
		some, err := p.setItem()
		if err != nil {
			return nil, err
		}
		set = append(set, some...)
		if ok, err := p.accept(","); err != nil {
			return nil, err
		} else if !ok {
			return set, p.expect(")")
		}
	}
}

// setItem reads $a or $a*.
func (p *parser) setItem() ([]int, error) {
	t := p.token
	if t.kind == tokenWord {
		return nil, mistakeAt(t.at, "a set of rules is outside the subset: a set is of strings")
	}
	if t.kind != tokenString || t.text[0] != '$' {
		return nil, p.unexpected("a string, as in $a or $a*,")
	}
	tight := p.at < len(p.src) && p.src[p.at] == '*'
	if err := p.take(); err != nil {
		return nil, err
	}
	if tight {
		if err := p.take(); err != nil {
			return nil, err
		}
		return p.matching(t.text, t.at)
	}
	which := p.rule.find(t.text)
	if which < 0 {
		return nil, mistakeAt(t.at, "there is no string %q", t.text)
	}
	p.rule.strings[which].want(wantsOne)
	return []int{which}, nil
}

// matching gives the strings whose names begin so.
func (p *parser) matching(prefix string, at int) ([]int, error) {
	var set []int
	for i, s := range p.rule.strings {
		if strings.HasPrefix(s.id, prefix) {
			s.want(wantsOne)
			set = append(set, i)
		}
	}
	if len(set) == 0 {
		return nil, mistakeAt(at, "no string's name begins with %q", prefix)
	}
	if p.nodes += len(set); p.nodes > maxNodes {
		return nil, mistakeAt(at, "the condition has more than %d parts", maxNodes)
	}
	return set, nil
}
