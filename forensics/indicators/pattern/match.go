package pattern

import "errors"

var (
	errEmpty   = errors.New("the pattern matches nothing at all, and so everywhere")
	errTooLong = errors.New("a match of the pattern has too many bytes")
)

// View is a stretch of a file that is looked at.
type View struct {
	Data   []byte
	Offset int64 // of Data in the file
	Size   int64 // of the file
}

// Machine is the memory that matching needs. It is used by one goroutine at a time, for any number of programs.
type Machine struct {
	// Left bounds the work: each step takes one. Below zero nothing matches any more, and who reads a match must say that
	// the search was not finished.
	Left    int64
	now     threads
	later   threads
	pending []int32
}

// threads is an ordered list of places in a program, each once.
type threads struct {
	list []int32
	seen []uint32 // when a place was last put in
	turn uint32
}

func (t *threads) reset(n int) {
	if len(t.seen) < n {
		t.seen = make([]uint32, n)
		t.turn = 0
	}
	t.list = t.list[:0]
	if t.turn++; t.turn == 0 { // it has wrapped around
		clear(t.seen)
		t.turn = 1
	}
}

func (t *threads) put(at int32) bool {
	if t.seen[at] == t.turn {
		return false
	}
	t.seen[at] = t.turn
	return true
}

// Match tells whether the pattern matches at a place of the view, and how many bytes it takes: of several ways the one
// that the pattern prefers, as Perl does.
func (p *Program) Match(m *Machine, v View, at int) (length int, ok bool) {
	if at < 0 || at >= len(v.Data) || !p.first.Has(v.Data[at]) {
		m.Left--
		return 0, false
	}
	if p.fixed != nil {
		return p.matchFixed(m, v.Data[at:])
	}
	m.now.reset(len(p.code))
	p.follow(m, &m.now, v, at, 0)
	for n := 0; len(m.now.list) > 0 && n <= MaxMatch && m.Left >= 0; n++ {
		if matched := p.step(m, v, at+n); matched {
			length, ok = n, true
		}
		m.now, m.later = m.later, m.now
	}
	return length, ok && m.Left >= 0
}

func (p *Program) matchFixed(m *Machine, data []byte) (int, bool) {
	if len(data) < len(p.fixed) {
		return 0, false
	}
	for i := range p.fixed {
		m.Left--
		if !p.fixed[i].Has(data[i]) {
			return 0, false
		}
	}
	return len(p.fixed), m.Left >= 0
}

// step moves every thread over one byte. It is true when the pattern has ended before that byte; threads behind the one
// that ended are of ways that the pattern prefers less.
func (p *Program) step(m *Machine, v View, at int) bool {
	m.later.reset(len(p.code))
	for _, pc := range m.now.list {
		m.Left--
		i := &p.code[pc]
		if i.op == opMatch {
			return true
		}
		if at < len(v.Data) && i.set.Has(v.Data[at]) {
			p.follow(m, &m.later, v, at+1, pc+1)
		}
	}
	return false
}

// follow puts a place into the list, or all places that lead on from it without a byte, the preferred first.
func (p *Program) follow(m *Machine, t *threads, v View, at int, pc int32) {
	m.pending = append(m.pending[:0], pc)
	for len(m.pending) > 0 {
		pc := m.pending[len(m.pending)-1]
		m.pending = m.pending[:len(m.pending)-1]
		if !t.put(pc) {
			continue
		}
		m.Left--
		switch i := &p.code[pc]; i.op {
		case opJump:
			m.pending = append(m.pending, i.x)
		case opSplit:
			m.pending = append(m.pending, i.y, i.x)
		case opAssert:
			if holds(i.kind, v, at) {
				m.pending = append(m.pending, pc+1)
			}
		default:
			t.list = append(t.list, pc)
		}
	}
}

func holds(kind Kind, v View, at int) bool {
	switch kind {
	case FileStart:
		return v.Offset+int64(at) == 0
	case FileEnd:
		return v.Offset+int64(at) == v.Size
	}
	before := at > 0 && word(v.Data[at-1])
	behind := at < len(v.Data) && word(v.Data[at])
	return (before != behind) == (kind == Boundary)
}
