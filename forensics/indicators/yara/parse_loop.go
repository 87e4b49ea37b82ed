package yara

// loop reads what follows "for".
func (p *parser) loop() (*expr, error) {
	e := expr{boolean: true, args: []*expr{nil}}
	switch {
	case p.is("all"):
		e.many = manyAll
	case p.is("any"):
		e.many = manyAny
	case p.is("none"):
		e.many = manyNone
	default:
		return p.loopNumber(e)
	}
	if err := p.take(); err != nil {
		return nil, err
	}
	return p.loopOver(e)
}

func (p *parser) loopNumber(e expr) (*expr, error) {
	least, err := p.loopLeast()
	if err != nil {
		return nil, err
	}
	e.many, e.args[0] = manyNumber, least
	return p.loopOver(e)
}

// loopLeast reads a number before "of", which would else belong to it.
func (p *parser) loopLeast() (*expr, error) {
	at := p.token.at
	least, err := p.binary(arithmetic + 1)
	if err == nil && least.boolean {
		err = mistakeAt(at, "a number, any, all or none stands behind \"for\"")
	}
	return least, err
}

func (p *parser) loopOver(e expr) (*expr, error) {
	if ok, err := p.accept("of"); err != nil {
		return nil, err
	} else if ok {
		return p.loopOfStrings(e)
	}
	name, err := p.name("a variable's name or \"of\"")
	if err != nil {
		return nil, err
	}
	if p.is(",") {
		return nil, mistakeAt(p.token.at, "a loop has one variable: what modules hold is outside the subset")
	}
	if err := p.expect("in"); err != nil {
		return nil, err
	}
	if !p.is("(") {
		return nil, mistakeAt(p.token.at, "a loop is over numbers, (from..to) or (1, 2, 3): what modules hold is outside the subset")
	}
	numbers, isRange, err := p.numbers()
	if err != nil {
		return nil, err
	}
	e.op, e.number = opForSet, int64(len(p.vars))
	if isRange {
		e.op = opForIn
	}
	p.vars = append(p.vars, name)
	body, err := p.body()
	p.vars = p.vars[:len(p.vars)-1]
	if err != nil {
		return nil, err
	}
	e.args = append(append(e.args, body), numbers...)
	return p.node(e)
}

// loopOfStrings reads of SET : ( body ), where $ is the string of each turn.
func (p *parser) loopOfStrings(e expr) (*expr, error) {
	set, err := p.stringSet()
	if err != nil {
		return nil, err
	}
	if p.inside {
		return nil, mistakeAt(p.token.at, "a loop over strings in another is outside the subset")
	}
	p.inside = true
	body, err := p.body()
	p.inside = false
	if err != nil {
		return nil, err
	}
	e.op, e.set, e.args = opForOf, set, append(e.args, body)
	return p.node(e)
}

func (p *parser) body() (*expr, error) {
	if err := p.expect(":"); err != nil {
		return nil, err
	}
	return p.brackets(p.boolean)
}
