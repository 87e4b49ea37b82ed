package yara

import (
	"math/bits"

	"github.com/firebreak-ir/firebreak/forensics/indicators/pattern"
)

// target is a form of a string that may match around an atom.
type target struct {
	str      int32 // among those of all rules
	variant  int32
	min, max int32 // how far behind the start of a match the atom stands
}

// filter finds the atoms of all strings in one pass. Atoms of four bytes go through a bit set of their hashes, shorter
// ones through a table of their first two bytes; strings without an atom are tried wherever their first byte stands.
type filter struct {
	shift  uint
	bits   []uint64
	four   map[uint32][]target
	three  map[uint32][]target
	two    map[uint32][]target
	pairs  *[1 << 16]uint8 // which shorter atoms begin with those two bytes
	starts [256][]target
	any    bool // some string has no atom
	fold   [256]byte
}

const (
	pairTwo   = 1
	pairThree = 2
)

func newFilter(r *Rules) filter {
	f := filter{four: map[uint32][]target{}, three: map[uint32][]target{}, two: map[uint32][]target{}, pairs: &[1 << 16]uint8{}}
	for b := range 256 {
		f.fold[b] = pattern.Fold(byte(b))
	}
	for i, s := range r.strings {
		for v := range s.variants {
			f.add(int32(i), int32(v), &s.variants[v])
		}
	}
	size := max(15, bits.Len(uint(len(f.four)))+5)
	f.shift = uint(32 - min(size, 26))
	f.bits = make([]uint64, 1<<(32-f.shift)/64)
	for key := range f.four {
		h := f.hash(key)
		f.bits[h>>6] |= 1 << (h & 63)
	}
	return f
}

func (f *filter) hash(key uint32) uint32 { return key * 0x9E3779B1 >> f.shift }

func (f *filter) add(str, variant int32, v *variant) {
	if len(v.atoms) == 0 {
		f.any = true
		first := v.program.First()
		for b := range 256 {
			if first.Has(byte(b)) {
				f.starts[b] = append(f.starts[b], target{str: str, variant: variant})
			}
		}
		return
	}
	for _, a := range v.atoms {
		t := target{str: str, variant: variant, min: int32(a.Min), max: int32(a.Max)}
		key := uint32(0)
		for i, b := range a.Bytes {
			key |= uint32(b) << (8 * i)
		}
		switch len(a.Bytes) {
		case 4:
			f.four[key] = append(f.four[key], t)
		case 3:
			f.three[key] = append(f.three[key], t)
			f.pairs[uint16(key)] |= pairThree
		default:
			f.two[key] = append(f.two[key], t)
			f.pairs[uint16(key)] |= pairTwo
		}
	}
}

// search looks at every place of data from one to another and hands on what may match around it. Behind the last byte of
// a file stand no atoms, so it stops where too few bytes are left.
func (f *filter) search(data []byte, from, to int, found func(at int, all []target)) {
	if f.any {
		for i := from; i < to; i++ {
			if all := f.starts[data[i]]; all != nil {
				found(i, all)
			}
		}
	}
	key := uint32(0)
	for i := from; i < min(from+3, len(data)); i++ {
		key |= uint32(f.fold[data[i]]) << (8 * (i - from + 1))
	}
	for i := from; i < to; i++ {
		key >>= 8
		if i+3 < len(data) {
			key |= uint32(f.fold[data[i+3]]) << 24
			if h := f.hash(key); f.bits[h>>6]&(1<<(h&63)) != 0 {
				if all := f.four[key]; all != nil {
					found(i, all)
				}
			}
		}
		if short := f.pairs[uint16(key)]; short != 0 && i+1 < len(data) {
			f.short(key, short, i, len(data), found)
		}
	}
}

func (f *filter) short(key uint32, short uint8, at, end int, found func(at int, all []target)) {
	if short&pairThree != 0 && at+2 < end {
		if all := f.three[key&0xFFFFFF]; all != nil {
			found(at, all)
		}
	}
	if short&pairTwo != 0 {
		if all := f.two[key&0xFFFF]; all != nil {
			found(at, all)
		}
	}
}
