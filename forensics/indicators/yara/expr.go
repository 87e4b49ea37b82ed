package yara

// op is what an expression does.
type op int

const (
	opNumber op = iota
	opFilesize
	opVariable // of a loop
	opRule     // whether an earlier rule matches
	opFound    // $a
	opAt       // $a at x
	opIn       // $a in (x..y)
	opCount    // #a
	opCountIn  // #a in (x..y)
	opOffset   // @a[i]
	opRead     // uint16(x)
	opAnd
	opOr
	opNot
	opDefined
	opEqual
	opUnequal
	opLess
	opLessEqual
	opGreater
	opGreaterEqual
	opBitOr
	opBitXor
	opBitAnd
	opShiftLeft
	opShiftRight
	opAdd
	opSubtract
	opMultiply
	opDivide
	opModulo
	opNegate
	opComplement
	opOf     // how many of the strings are found, perhaps in (x..y)
	opForOf  // for how many of the strings the last argument holds
	opForIn  // for how many numbers from x to y
	opForSet // for how many of the numbers listed
)

// expr is a part of a condition.
type expr struct {
	op      op
	boolean bool
	args    []*expr
	number  int64 // a number, or the number of a rule or a loop's variable
	str     int   // a string of the rule; current is the one of the loop around
	set     []int // strings of the rule
	many    quantifier
	read    read
}

const current = -1

// quantifier says how many of a set have to hold.
type quantifier int

const (
	manyAll quantifier = iota
	manyAny
	manyNone
	manyNumber // the first argument is the least number
)

// read is a number read from the file.
type read struct {
	size   int64
	signed bool
	big    bool
}

// readOf gives what a function such as uint16be reads.
func readOf(name string) (read, bool) {
	sizes := map[string]int64{"int8": 1, "int16": 2, "int32": 4}
	r := read{signed: true}
	if len(name) > 0 && name[0] == 'u' {
		r.signed, name = false, name[1:]
	}
	if n := len(name) - 2; n > 0 && name[n:] == "be" {
		r.big, name = true, name[:n]
	}
	r.size = sizes[name]
	return r, r.size > 0
}

// needsString tells whether an expression is false wherever none of the rule's strings is found. It may say no for one
// that is.
func (e *expr) needsString() bool {
	switch e.op {
	case opFound, opAt, opIn:
		return true
	case opAnd:
		return anyNeeds(e.args)
	case opOr:
		for _, a := range e.args {
			if !a.needsString() {
				return false
			}
		}
		return true
	case opOf:
		return e.many == manyAny || e.many == manyAll || e.many == manyNumber && e.args[0].op == opNumber && e.args[0].number > 0
	case opGreater, opGreaterEqual:
		least := e.args[1].number
		if e.op == opGreater {
			least++
		}
		return e.args[0].op == opCount && e.args[1].op == opNumber && least > 0
	}
	return false
}

func anyNeeds(all []*expr) bool {
	for _, a := range all {
		if a.needsString() {
			return true
		}
	}
	return false
}
