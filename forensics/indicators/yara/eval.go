package yara

import (
	"io"
	"slices"
)

// value is a number that may be undefined: what is read beyond the file's end, or the offset of a match that is not there.
type value struct {
	n       int64
	defined bool
}

func number(n int64) value { return value{n, true} }

func truth(b bool) value {
	if b {
		return number(1)
	}
	return number(0)
}

func (v value) holds() bool { return v.defined && v.n != 0 }

// scene is what a condition is about: one file, and what was found in it.
type scene struct {
	file    io.ReaderAt
	size    int64
	hits    func(str int) *hits // of the rule's strings
	matched []bool              // of all rules
	vars    [maxNesting + 1]int64
	current int
	left    int64 // steps; below zero nothing is decided any more
	failed  error // of reading the file
}

func (s *scene) eval(e *expr) value {
	if s.left--; s.left < 0 {
		return value{}
	}
	switch e.op {
	case opNumber:
		return number(e.number)
	case opFilesize:
		return number(s.size)
	case opVariable:
		return number(s.vars[e.number])
	case opRule:
		return truth(s.matched[e.number])
	case opFound, opAt, opIn, opCount, opCountIn, opOffset:
		return s.evalString(e)
	case opRead:
		return s.read(e)
	case opOf, opForOf, opForIn, opForSet:
		return s.evalMany(e)
	case opAnd, opOr, opNot, opDefined:
		return s.evalLogic(e)
	case opNegate, opComplement:
		return s.evalUnary(e)
	}
	return s.evalBinary(e)
}

func (s *scene) evalLogic(e *expr) value {
	switch e.op {
	case opAnd:
		return truth(!slices.ContainsFunc(e.args, func(a *expr) bool { return !s.eval(a).holds() }))
	case opOr:
		return truth(slices.ContainsFunc(e.args, func(a *expr) bool { return s.eval(a).holds() }))
	case opDefined:
		return truth(s.eval(e.args[0]).defined)
	}
	v := s.eval(e.args[0])
	return value{truth(v.n == 0).n, v.defined}
}

func (s *scene) evalUnary(e *expr) value {
	v := s.eval(e.args[0])
	if e.op == opNegate {
		return value{-v.n, v.defined}
	}
	return value{^v.n, v.defined}
}

func (s *scene) evalBinary(e *expr) value {
	a, b := s.eval(e.args[0]), s.eval(e.args[1])
	if !a.defined || !b.defined {
		return value{}
	}
	switch e.op {
	case opEqual:
		return truth(a.n == b.n)
	case opUnequal:
		return truth(a.n != b.n)
	case opLess:
		return truth(a.n < b.n)
	case opLessEqual:
		return truth(a.n <= b.n)
	case opGreater:
		return truth(a.n > b.n)
	case opGreaterEqual:
		return truth(a.n >= b.n)
	}
	return arithmetics(e.op, a.n, b.n)
}

func arithmetics(o op, a, b int64) value {
	switch o {
	case opBitOr:
		return number(a | b)
	case opBitXor:
		return number(a ^ b)
	case opBitAnd:
		return number(a & b)
	case opAdd:
		return number(a + b)
	case opSubtract:
		return number(a - b)
	case opMultiply:
		return number(a * b)
	case opShiftLeft, opShiftRight:
		return shift(o, a, b)
	}
	if b == 0 || a == -1<<63 && b == -1 {
		return value{}
	}
	if o == opDivide {
		return number(a / b)
	}
	return number(a % b)
}

// shift gives zero where nothing is left, and is undefined by a negative number.
func shift(o op, a, b int64) value {
	switch {
	case b < 0:
		return value{}
	case b >= 64:
		return number(0)
	case o == opShiftLeft:
		return number(a << b)
	}
	return number(a >> b)
}

// read reads a number from the file.
func (s *scene) read(e *expr) value {
	at := s.eval(e.args[0])
	if !at.defined || at.n < 0 || at.n > s.size-e.read.size {
		return value{}
	}
	var b [8]byte
	raw := b[:e.read.size]
	if _, err := s.file.ReadAt(raw, at.n); err != nil && err != io.EOF {
		s.failed = err
		return value{}
	}
	if !e.read.big {
		slices.Reverse(raw)
	}
	n := int64(0)
	for _, c := range raw {
		n = n<<8 | int64(c)
	}
	if unused := 64 - 8*e.read.size; e.read.signed {
		n = n << unused >> unused
	}
	return number(n)
}
