package yara

import "sort"

func (s *scene) evalString(e *expr) value {
	which := e.str
	if which == current {
		which = s.current
	}
	h := s.hits(which)
	switch e.op {
	case opFound:
		return truth(h.count() > 0)
	case opCount:
		return number(h.count())
	case opOffset:
		i := s.eval(e.args[0])
		if !i.defined || i.n < 1 || i.n > h.count() {
			return value{}
		}
		return number(h.all[i.n-1].Offset)
	case opAt:
		at := s.eval(e.args[0])
		return truth(at.defined && h.within(at.n, at.n) > 0)
	}
	from, to := s.eval(e.args[0]), s.eval(e.args[1])
	if !from.defined || !to.defined {
		return value{}
	}
	n := h.within(from.n, to.n)
	if e.op == opIn {
		return truth(n > 0)
	}
	return number(n)
}

// within counts the matches that begin from one offset to another, both included.
func (h *hits) within(from, to int64) int64 {
	if h == nil {
		return 0
	}
	first := sort.Search(len(h.all), func(i int) bool { return h.all[i].Offset >= from })
	behind := sort.Search(len(h.all), func(i int) bool { return h.all[i].Offset > to })
	return int64(max(0, behind-first))
}

// evalMany counts of a set how many hold.
func (s *scene) evalMany(e *expr) value {
	var least value
	if e.many == manyNumber {
		if least = s.eval(e.args[0]); !least.defined {
			return value{}
		}
	}
	held, all, defined := s.tally(e)
	switch {
	case !defined && e.op == opOf:
		return value{}
	case !defined || all == 0: // a loop over nothing is false, also one for all and for none
		return truth(false)
	case e.op == opOf && e.many == manyNumber && least.n == 0: // YARA reads "0 of" as "none of"
		return truth(held == 0)
	case e.many == manyAll:
		return truth(held == all)
	case e.many == manyAny:
		return truth(held > 0)
	case e.many == manyNone:
		return truth(held == 0)
	}
	return truth(held >= least.n)
}

func (s *scene) tally(e *expr) (held, all int64, defined bool) {
	count := func(v value) {
		all++
		if v.holds() {
			held++
		}
	}
	switch e.op {
	case opOf:
		return s.tallyOf(e)
	case opForOf:
		before := s.current
		for _, s.current = range e.set {
			count(s.eval(e.args[1]))
		}
		s.current = before
	case opForSet:
		for _, a := range e.args[2:] {
			if v := s.eval(a); v.defined {
				s.vars[e.number] = v.n
				count(s.eval(e.args[1]))
			}
		}
	case opForIn:
		from, to := s.eval(e.args[2]), s.eval(e.args[3])
		if !from.defined || !to.defined {
			return 0, 0, false
		}
		for i := from.n; i <= to.n && s.left >= 0; i++ {
			s.vars[e.number] = i
			count(s.eval(e.args[1]))
		}
	}
	return held, all, true
}

func (s *scene) tallyOf(e *expr) (held, all int64, defined bool) {
	from, to := number(0), number(s.size)
	if len(e.args) > 1 {
		from, to = s.eval(e.args[1]), s.eval(e.args[2])
	}
	if !from.defined || !to.defined {
		return 0, 0, false
	}
	for _, which := range e.set {
		found := s.hits(which).count() > 0
		if len(e.args) > 1 {
			found = s.hits(which).within(from.n, to.n) > 0
		}
		all++
		if found {
			held++
		}
	}
	return held, all, true
}
