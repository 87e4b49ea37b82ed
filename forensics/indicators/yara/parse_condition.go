package yara

// node counts the parts of a condition.
func (p *parser) node(e expr) (*expr, error) {
	if p.nodes++; p.nodes > maxNodes {
		return nil, mistakeAt(p.token.at, "the condition has more than %d parts", maxNodes)
	}
	return &e, nil
}

// boolean reads a whole condition, or what stands in brackets. A number is true when it is not zero.
func (p *parser) boolean() (*expr, error) {
	return p.chain(opOr, "or", func() (*expr, error) { return p.chain(opAnd, "and", p.not) })
}

// chain reads parts with one word between them.
func (p *parser) chain(o op, word string, part func() (*expr, error)) (*expr, error) {
	first, err := part()
	if err != nil || !p.is(word) {
		return first, err
	}
	all := []*expr{first}
	for p.is(word) {
		if err := p.take(); err != nil {
			return nil, err
		}
		next, err := part()
		if err != nil {
			return nil, err
		}
		all = append(all, next)
	}
	return p.node(expr{op: o, boolean: true, args: all})
}

func (p *parser) not() (*expr, error) {
	o := opNot
	switch {
	case p.is("defined"):
		o = opDefined
	case !p.is("not"):
		return p.binary(0)
	}
	if err := p.take(); err != nil {
		return nil, err
	}
	return p.deeper(func() (*expr, error) {
		arg, err := p.not()
		if err != nil {
			return nil, err
		}
		return p.node(expr{op: o, boolean: true, args: []*expr{arg}})
	})
}

// deeper bounds how deep expressions lie in one another.
func (p *parser) deeper(do func() (*expr, error)) (*expr, error) {
	if p.depth++; p.depth > maxNesting {
		return nil, mistakeAt(p.token.at, "more than %d brackets or signs lie in one another", maxNesting)
	}
	defer func() { p.depth-- }()
	return do()
}

// Levels of operators: later ones bind closer.
const (
	arithmetic = 2 // the first that gives numbers
	allLevels  = 8
)

// binary reads operators of a level and of those that bind closer.
func (p *parser) binary(n int) (*expr, error) {
	if n == allLevels {
		return p.unary()
	}
	left, err := p.binary(n + 1)
	for err == nil && p.token.kind == tokenSign {
		o, level := operator(p.token.text)
		if level != n {
			break
		}
		left, err = p.operate(left, o, n)
	}
	if err == nil && n == arithmetic && p.is("of") {
		return p.of(manyNumber, left)
	}
	if word := p.token.text; err == nil && p.token.kind == tokenWord && foreign(word) != "" {
		return nil, mistakeAt(p.token.at, "%s", foreign(word))
	}
	return left, err
}

func (p *parser) operate(left *expr, o op, n int) (*expr, error) {
	at, sign := p.token.at, p.token.text
	if err := p.take(); err != nil {
		return nil, err
	}
	if sign == "%" && p.is("of") {
		return nil, mistakeAt(at, "a percentage of strings is outside the subset")
	}
	right, err := p.binary(n + 1)
	if err != nil {
		return nil, err
	}
	if left.boolean || right.boolean {
		return nil, mistakeAt(at, "%q stands between numbers, not between what is true or false", sign)
	}
	return p.node(expr{op: o, boolean: n < arithmetic, args: []*expr{left, right}})
}

func (p *parser) unary() (*expr, error) {
	o, t := opNegate, p.token
	switch {
	case p.is("~"):
		o = opComplement
	case !p.is("-"):
		return p.primary()
	}
	if err := p.take(); err != nil {
		return nil, err
	}
	return p.deeper(func() (*expr, error) {
		arg, err := p.unary()
		if err != nil {
			return nil, err
		}
		if arg.boolean {
			return nil, mistakeAt(t.at, "%q stands before a number", t.text)
		}
		return p.node(expr{op: o, args: []*expr{arg}})
	})
}

// number reads an expression that is a number.
func (p *parser) number() (*expr, error) {
	at := p.token.at
	e, err := p.binary(arithmetic)
	if err == nil && e.boolean {
		err = mistakeAt(at, "a number is expected here")
	}
	return e, err
}

func (p *parser) primary() (*expr, error) {
	t := p.token
	switch t.kind {
	case tokenNumber:
		if err := p.take(); err != nil {
			return nil, err
		}
		return p.node(expr{op: opNumber, number: t.number})
	case tokenString:
		return p.stringTerm()
	case tokenWord:
		return p.word()
	case tokenText:
		return nil, mistakeAt(t.at, "texts in conditions are outside the subset")
	}
	if p.is("/") {
		return nil, mistakeAt(t.at, "regular expressions in conditions are outside the subset")
	}
	if !p.is("(") {
		return nil, p.unexpected("an expression")
	}
	return p.brackets(p.boolean)
}

// brackets reads what stands between round brackets.
func (p *parser) brackets(inside func() (*expr, error)) (*expr, error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	e, err := p.deeper(inside)
	if err != nil {
		return nil, err
	}
	return e, p.expect(")")
}

func (p *parser) word() (*expr, error) {
	t := p.token
	if why := foreign(t.text); why != "" {
		return nil, mistakeAt(t.at, "%s", why)
	}
	if err := p.take(); err != nil {
		return nil, err
	}
	switch t.text {
	case "true", "false":
		return p.node(expr{op: opNumber, boolean: true, number: int64(len("false") - len(t.text))})
	case "filesize":
		return p.node(expr{op: opFilesize})
	case "all":
		return p.of(manyAll, nil)
	case "any":
		return p.of(manyAny, nil)
	case "none":
		return p.of(manyNone, nil)
	case "for":
		return p.loop()
	}
	if r, ok := readOf(t.text); ok {
		at, err := p.brackets(p.number)
		if err != nil {
			return nil, err
		}
		return p.node(expr{op: opRead, read: r, args: []*expr{at}})
	}
	if keyword(t.text) {
		return nil, mistakeAt(t.at, "%q begins no expression", t.text)
	}
	return p.named(t)
}

// named reads a loop's variable or the name of an earlier rule.
func (p *parser) named(t token) (*expr, error) {
	for i := len(p.vars) - 1; i >= 0; i-- {
		if p.vars[i] == t.text {
			return p.node(expr{op: opVariable, number: int64(i)})
		}
	}
	if p.is(".") || p.is("(") || p.is("[") {
		return nil, mistakeAt(t.at, "%q is a module's or an external variable's: both are outside the subset", t.text)
	}
	n, known := p.set.names[t.text]
	switch {
	case !known:
		return nil, mistakeAt(t.at, "%q is no rule before this one; external variables are outside the subset", t.text)
	case n == refused:
		return nil, mistakeAt(t.at, "rule %q, which this one asks for, was refused", t.text)
	}
	return p.node(expr{op: opRule, boolean: true, number: int64(n)})
}
