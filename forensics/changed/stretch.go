package changed

import (
	"cmp"
	"slices"
)

// Stretch is a run of bytes.
type Stretch struct {
	Offset int64 `json:"offset"`
	Length int64 `json:"length"`
}

func (s Stretch) end() int64 { return s.Offset + s.Length }

// normal sorts stretches and joins those that touch or overlap.
func normal(all []Stretch) []Stretch {
	slices.SortFunc(all, func(a, b Stretch) int { return cmp.Compare(a.Offset, b.Offset) })
	out := all[:0]
	for _, s := range all {
		if s.Length <= 0 {
			continue
		}
		if n := len(out) - 1; n >= 0 && out[n].end() >= s.Offset {
			out[n].Length = max(out[n].end(), s.end()) - out[n].Offset
			continue
		}
		out = append(out, s)
	}
	return out
}

// within gives what of s lies in a normal list.
func within(list []Stretch, s Stretch) []Stretch {
	at, _ := slices.BinarySearchFunc(list, s.Offset, func(l Stretch, off int64) int { return cmp.Compare(l.end()-1, off) })
	var out []Stretch
	for ; at < len(list) && list[at].Offset < s.end(); at++ {
		from, to := max(list[at].Offset, s.Offset), min(list[at].end(), s.end())
		if from < to {
			out = append(out, Stretch{from, to - from})
		}
	}
	return out
}

// without gives what of the normal list a is not in the normal list b.
func without(a, b []Stretch) []Stretch {
	var out []Stretch
	for _, s := range a {
		at := s.Offset
		for _, taken := range within(b, s) {
			if taken.Offset > at {
				out = append(out, Stretch{at, taken.Offset - at})
			}
			at = taken.end()
		}
		if at < s.end() {
			out = append(out, Stretch{at, s.end() - at})
		}
	}
	return out
}

func total(list []Stretch) (n int64) {
	for _, s := range list {
		n += s.Length
	}
	return n
}
