package pattern

import "math/bits"

// Set is a set of bytes.
type Set [4]uint64

// Of gives the set of these bytes.
func Of(all ...byte) Set {
	var s Set
	for _, b := range all {
		s[b>>6] |= 1 << (b & 63)
	}
	return s
}

// Range gives the set of all bytes from one to another, both included.
func Range(from, to byte) Set {
	var s Set
	for b := int(from); b <= int(to); b++ {
		s[b>>6] |= 1 << (b & 63)
	}
	return s
}

// Has tells whether a byte is in the set.
func (s *Set) Has(b byte) bool { return s[b>>6]&(1<<(b&63)) != 0 }

// And gives the bytes that are in either set.
func (s Set) And(other Set) Set {
	for i := range s {
		s[i] |= other[i]
	}
	return s
}

// Not gives all other bytes.
func (s Set) Not() Set {
	for i := range s {
		s[i] = ^s[i]
	}
	return s
}

// Size is how many bytes are in the set.
func (s Set) Size() int {
	n := 0
	for _, word := range s {
		n += bits.OnesCount64(word)
	}
	return n
}

// Folded adds the other case of each letter of ASCII.
func (s Set) Folded() Set {
	out := s
	for b := byte('a'); b <= 'z'; b++ {
		if s.Has(b) || s.Has(b-32) {
			out = out.And(Of(b, b-32))
		}
	}
	return out
}

// single gives the byte, in lower case, when the set holds one byte or both cases of one letter.
func (s Set) single() (byte, bool) {
	for i, word := range s {
		if word == 0 {
			continue
		}
		b := byte(i<<6 + bits.TrailingZeros64(word))
		only := Of(b)
		return Fold(b), s == only || s == only.Folded()
	}
	return 0, false
}

// Fold gives the lower case of a letter of ASCII, and every other byte as it is.
func Fold(b byte) byte {
	if b >= 'A' && b <= 'Z' {
		return b + 32
	}
	return b
}

func word(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '_'
}
