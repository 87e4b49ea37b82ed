package ext4

import "slices"

// fastRange is a stretch of a file that a fast commit put elsewhere: zeros where physical is zero.
type fastRange struct {
	first, length, physical uint64 // in blocks
}

// fastMap is what fast commits changed of where a file's bytes lie.
type fastMap struct {
	changes []fastRange // while records are replayed: each counts more than those before it
	pieces  []fastRange // afterwards: in the order of the file, none over another
}

// settle finds for each stretch between the ends of changes which of them was the last.
func (m *fastMap) settle() {
	var bounds []uint64
	for _, c := range m.changes {
		bounds = append(bounds, c.first, c.first+c.length)
	}
	slices.Sort(bounds)
	bounds = slices.Compact(bounds)
	last := make([]int, len(bounds)) // which change counts from that bound on; -1: none
	free := make([]int, len(bounds)) // a bound from that one on that no later change has taken, or one nearer to it
	for i := range bounds {
		last[i], free[i] = -1, i
	}
	next := func(i int) int {
		for i < len(free) && free[i] != i {
			if step := free[i]; step < len(free) {
				free[i] = free[step]
			}
			i = free[i]
		}
		return i
	}
	for c := len(m.changes) - 1; c >= 0; c-- {
		begin, _ := slices.BinarySearch(bounds, m.changes[c].first)
		for i := next(begin); i < len(bounds) && bounds[i] < m.changes[c].first+m.changes[c].length; i = next(i) {
			last[i], free[i] = c, i+1
		}
	}
	m.cut(bounds, last)
}

// cut makes a piece of each stretch that a change has.
func (m *fastMap) cut(bounds []uint64, last []int) {
	for i, c := range last {
		if c < 0 {
			continue
		}
		from := m.changes[c]
		piece := fastRange{first: bounds[i], length: bounds[i+1] - bounds[i]}
		if from.physical != 0 {
			piece.physical = from.physical + bounds[i] - from.first
		}
		m.pieces = append(m.pieces, piece)
	}
	m.changes = nil
}

// over lays the changes over the stretch r of a file, which begins at logical block n.
func (m *fastMap) over(n uint64, r run) run {
	i, _ := slices.BinarySearchFunc(m.pieces, n, func(p fastRange, n uint64) int {
		if p.first+p.length <= n {
			return -1
		}
		return 1
	})
	switch {
	case i == len(m.pieces):
		return r
	case m.pieces[i].first > n:
		r.blocks = min(r.blocks, m.pieces[i].first-n)
		return r
	}
	p := m.pieces[i]
	out := run{blocks: p.first + p.length - n}
	if p.physical != 0 {
		out.physical = p.physical + n - p.first
	}
	return out
}
