package yara

// stringTerm reads $a, $a at x, $a in (x..y), #a, #a in (x..y), @a and @a[i].
func (p *parser) stringTerm() (*expr, error) {
	t := p.token
	if t.text[0] == '!' {
		return nil, mistakeAt(t.at, "%s, a match's length, is outside the subset", t.text)
	}
	which, err := p.resolve(t)
	if err != nil {
		return nil, err
	}
	if err := p.take(); err != nil {
		return nil, err
	}
	switch t.text[0] {
	case '#':
		return p.count(which)
	case '@':
		return p.offset(which)
	}
	return p.found(which)
}

// resolve gives the number of the string that a token names.
func (p *parser) resolve(t token) (int, error) {
	if len(t.text) == 1 {
		if !p.inside {
			return 0, mistakeAt(t.at, "%s without a name has a meaning in a loop over strings alone", t.text)
		}
		return current, nil
	}
	which := p.rule.find("$" + t.text[1:])
	if which < 0 {
		return 0, mistakeAt(t.at, "there is no string %q", "$"+t.text[1:])
	}
	return which, nil
}

// want notes what the condition asks of a string; in a loop, of all of them.
func (p *parser) want(which int, w wants) {
	if which != current {
		p.rule.strings[which].want(w)
		return
	}
	for _, s := range p.rule.strings {
		s.wants = max(s.wants, w)
	}
}

func (p *parser) found(which int) (*expr, error) {
	if ok, err := p.accept("at"); err != nil {
		return nil, err
	} else if ok {
		p.want(which, wantsOffsets)
		at, err := p.number()
		if err != nil {
			return nil, err
		}
		return p.node(expr{op: opAt, boolean: true, str: which, args: []*expr{at}})
	}
	if p.is("in") {
		p.want(which, wantsOffsets)
		ends, err := p.within()
		if err != nil {
			return nil, err
		}
		return p.node(expr{op: opIn, boolean: true, str: which, args: ends})
	}
	p.want(which, wantsOne)
	return p.node(expr{op: opFound, boolean: true, str: which})
}

func (p *parser) count(which int) (*expr, error) {
	if !p.is("in") {
		p.want(which, wantsCount)
		return p.node(expr{op: opCount, str: which})
	}
	p.want(which, wantsOffsets)
	ends, err := p.within()
	if err != nil {
		return nil, err
	}
	return p.node(expr{op: opCountIn, str: which, args: ends})
}

func (p *parser) offset(which int) (*expr, error) {
	p.want(which, wantsOffsets)
	index, err := p.node(expr{op: opNumber, number: 1})
	if err != nil {
		return nil, err
	}
	if ok, err := p.accept("["); err != nil {
		return nil, err
	} else if ok {
		if index, err = p.deeper(p.number); err != nil {
			return nil, err
		}
		if err := p.expect("]"); err != nil {
			return nil, err
		}
	}
	return p.node(expr{op: opOffset, str: which, args: []*expr{index}})
}

// within reads in (x..y).
func (p *parser) within() ([]*expr, error) {
	if err := p.expect("in"); err != nil {
		return nil, err
	}
	ends, isRange, err := p.numbers()
	if err == nil && !isRange {
		err = mistakeAt(p.token.at, "a range (from..to) is expected here")
	}
	return ends, err
}

// numbers reads (x..y) or (x, y, z).
func (p *parser) numbers() (all []*expr, isRange bool, err error) {
	if err := p.expect("("); err != nil {
		return nil, false, err
	}
	for {
		n, err := p.deeper(p.number)
		if err != nil {
			return nil, false, err
		}
		all = append(all, n)
		between := p.token.text
		switch {
		case p.is(")"):
			return all, isRange, p.take()
		case between == ".." && len(all) == 1:
			isRange = true
		case between == "," && !isRange:
		default:
			return nil, false, p.unexpected(`")"`)
		}
		if err := p.take(); err != nil {
			return nil, false, err
		}
	}
}
