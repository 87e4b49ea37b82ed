package pattern

// Atom is a short run of fixed bytes in a pattern. Wherever the pattern matches, one of its atoms stands Min to Max bytes
// behind the start of the match.
type Atom struct {
	Bytes    []byte // 2 to 4, in lower case
	Min, Max int
}

// MaxAtom is the longest atom.
const MaxAtom = 4

// Atoms gives the atoms of a pattern: every match contains at least one of them. It gives none for a pattern that has no
// two fixed bytes in a row, or too many alternatives.
func Atoms(n *Node) []Atom {
	const most = 256
	found := best(n)
	if len(found.atoms) > most {
		return nil
	}
	return found.atoms
}

// choice is a set of atoms and how rare they are hoped to be.
type choice struct {
	atoms []Atom
	worth int
}

func (c choice) or(other choice) choice {
	if other.worth > c.worth {
		return other
	}
	return c
}

// behind moves atoms away from the start.
func (c choice) behind(least, most int) choice {
	out := choice{worth: c.worth}
	for _, a := range c.atoms {
		out.atoms = append(out.atoms, Atom{Bytes: a.Bytes, Min: clamp(a.Min + least), Max: clamp(a.Max + most)})
	}
	return out
}

func best(n *Node) choice {
	switch n.Kind {
	case Concat:
		return bestOf(n)
	case Alternate:
		return bestOfAll(n.Subs)
	case Repeat:
		if n.Min == 0 {
			return choice{}
		}
		if n.Min >= 2 && n.Subs[0].Kind == OneOf { // a{4}
			return bestOf(&Node{Kind: Concat, Subs: repeated(n.Subs[0], min(n.Min, MaxAtom))})
		}
		return best(n.Subs[0])
	}
	return choice{}
}

func repeated(n *Node, times int) []*Node {
	out := make([]*Node, times)
	for i := range out {
		out[i] = n
	}
	return out
}

// bestOfAll takes atoms of every alternative: the worst of them counts.
func bestOfAll(subs []*Node) choice {
	var out choice
	for i, sub := range subs {
		c := best(sub)
		if len(c.atoms) == 0 {
			return choice{}
		}
		out.atoms = append(out.atoms, c.atoms...)
		if i == 0 || c.worth < out.worth {
			out.worth = c.worth
		}
	}
	return out
}

// run is the fixed bytes up to here.
type run struct {
	bytes       []byte
	least, most int // where it begins
}

func bestOf(n *Node) choice {
	var out choice
	var now run
	least, most := 0, 0
	for _, sub := range n.flat(nil) {
		if b, ok := sub.Set.single(); ok && sub.Kind == OneOf {
			if len(now.bytes) == 0 {
				now.least, now.most = least, most
			}
			now.bytes = append(now.bytes, b)
			out = out.or(now.atom())
		} else {
			now = run{}
			out = out.or(best(sub).behind(least, most))
		}
		l, m := sub.Width()
		least, most = least+l, most+m
	}
	return out
}

// flat gives the parts of nested sequences in a row.
func (n *Node) flat(out []*Node) []*Node {
	if n.Kind != Concat {
		return append(out, n)
	}
	for _, sub := range n.Subs {
		out = sub.flat(out)
	}
	return out
}

// atom gives the last bytes of a run.
func (r *run) atom() choice {
	if len(r.bytes) < 2 {
		return choice{}
	}
	from := max(0, len(r.bytes)-MaxAtom)
	a := Atom{Bytes: r.bytes[from:], Min: clamp(r.least + from), Max: clamp(r.most + from)}
	return choice{atoms: []Atom{a}, worth: worth(a)}
}

// worth is high for atoms that are long, of different and uncommon bytes, and near a known place.
func worth(a Atom) int {
	sum := 0
	var seen Set
	for _, b := range a.Bytes {
		switch {
		case seen.Has(b):
			sum += 2
		case b == 0 || b == ' ' || b == 0xFF || b == '\n' || b == 0xCC || b == 0x90:
			sum += 5
		default:
			sum += 20
		}
		seen = seen.And(Of(b))
	}
	return max(1, sum-min(30, (a.Max-a.Min)/8))
}
