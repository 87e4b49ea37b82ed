package pattern

type op uint8

const (
	opByte op = iota
	opSplit
	opJump
	opAssert
	opMatch
)

// instruction is one step: x comes first where there are two ways.
type instruction struct {
	op   op
	kind Kind // of an assertion
	x, y int32
	set  Set
}

// Program is a pattern that is ready to be matched. It is safe for concurrent use.
type Program struct {
	code  []instruction
	fixed []Set // a sequence of bytes and nothing else, which needs no code
	first Set   // what a match can begin with
	nodes int   // written out, those without code as well
}

// Compile makes a pattern ready. One that is too large, or that matches nothing at all, is an error.
func Compile(n *Node) (*Program, error) {
	p := &Program{}
	if least, _ := n.Width(); least == 0 {
		return nil, errEmpty
	}
	if sets, ok := n.sequence(nil); ok {
		p.fixed, p.first = sets, sets[0]
		if len(sets) > MaxMatch {
			return nil, errTooLong
		}
		return p, nil
	}
	if err := p.add(n); err != nil {
		return nil, err
	}
	p.emit(instruction{op: opMatch})
	p.first = p.firsts()
	return p, nil
}

// sequence gives the sets of a pattern that is one byte after another.
func (n *Node) sequence(sets []Set) ([]Set, bool) {
	switch n.Kind {
	case OneOf:
		return append(sets, n.Set), true
	case Concat:
		for _, sub := range n.Subs {
			var ok bool
			if sets, ok = sub.sequence(sets); !ok {
				return nil, false
			}
		}
		return sets, len(sets) > 0
	}
	return nil, false
}

func (p *Program) emit(i instruction) int32 {
	p.code = append(p.code, i)
	return int32(len(p.code) - 1)
}

func (p *Program) here() int32 { return int32(len(p.code)) }

func (p *Program) add(n *Node) error {
	if p.nodes++; p.nodes > maxNodes {
		return errTooLarge
	}
	switch n.Kind {
	case OneOf:
		p.emit(instruction{op: opByte, set: n.Set})
	case Concat:
		for _, sub := range n.Subs {
			if err := p.add(sub); err != nil {
				return err
			}
		}
	case Alternate:
		return p.alternate(n.Subs)
	case Repeat:
		return p.repeat(n)
	case FileStart, FileEnd, Boundary, Inside:
		p.emit(instruction{op: opAssert, kind: n.Kind})
	}
	return nil
}

func (p *Program) alternate(subs []*Node) error {
	var ends []int32
	for i, sub := range subs {
		last := i == len(subs)-1
		var split int32
		if !last {
			split = p.emit(instruction{op: opSplit, x: p.here() + 1})
		}
		if err := p.add(sub); err != nil {
			return err
		}
		if !last {
			ends = append(ends, p.emit(instruction{op: opJump}))
			p.code[split].y = p.here()
		}
	}
	for _, end := range ends {
		p.code[end].x = p.here()
	}
	return nil
}

// repeat writes the least number out, then one optional turn after another, or a loop.
func (p *Program) repeat(n *Node) error {
	sub := n.Subs[0]
	for range n.Min {
		if err := p.add(sub); err != nil {
			return err
		}
	}
	if n.Max < 0 {
		split := p.emit(instruction{op: opSplit})
		if err := p.add(sub); err != nil {
			return err
		}
		p.emit(instruction{op: opJump, x: split})
		p.aim(split, n.Lazy)
		return nil
	}
	var splits []int32
	for range n.Max - n.Min {
		splits = append(splits, p.emit(instruction{op: opSplit}))
		if err := p.add(sub); err != nil {
			return err
		}
	}
	for _, split := range splits {
		p.aim(split, n.Lazy)
	}
	return nil
}

// aim says where a choice leads: into the repeat first, or past it.
func (p *Program) aim(split int32, lazy bool) {
	in, out := split+1, p.here()
	if lazy {
		in, out = out, in
	}
	p.code[split].x, p.code[split].y = in, out
}

func (p *Program) firsts() Set {
	var first Set
	seen := make([]bool, len(p.code))
	open := []int32{0}
	for len(open) > 0 {
		at := open[len(open)-1]
		open = open[:len(open)-1]
		if seen[at] {
			continue
		}
		seen[at] = true
		switch i := &p.code[at]; i.op {
		case opByte:
			first = first.And(i.set)
		case opSplit:
			open = append(open, i.x, i.y)
		case opJump:
			open = append(open, i.x)
		case opAssert:
			open = append(open, at+1)
		}
	}
	return first
}

// First gives the bytes that a match can begin with.
func (p *Program) First() Set { return p.first }
