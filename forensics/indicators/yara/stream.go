package yara

import (
	"cmp"
	"fmt"
	"io"
	"slices"

	"github.com/firebreak-ir/firebreak/forensics/indicators/pattern"
)

const (
	margin = pattern.MaxMatch + 8 // what a match needs before and behind an atom
	buffer = 512 << 10            // bytes that are held
)

// hits are the matches of one string in a file. A nil one has none.
type hits struct {
	all    []StringMatch // in the order of their offsets
	lost   bool          // more were found than kept, though the condition asks for all
	enough bool
}

func (h *hits) count() int64 {
	if h == nil {
		return 0
	}
	return int64(len(h.all))
}

// Stream searches a file whose bytes are written to it in order. It is an io.Writer, so that one pass over a file can do
// other work too.
type Stream struct {
	rules   *Rules
	opts    Options
	size    int64
	data    []byte
	offset  int64 // of data in the file
	looked  int   // up to where in data atoms were looked for
	machine pattern.Machine
	hits    map[int32]*hits
	tried   map[*target]int64 // up to where in the file starts were tried, for atoms that leave a choice of them
	kept    int
}

// Begin starts the search of a file of that size.
func (r *Rules) Begin(size int64, opts Options) *Stream {
	opts = opts.withDefaults(size)
	s := &Stream{rules: r, opts: opts, size: size, hits: map[int32]*hits{}, tried: map[*target]int64{}}
	s.data = make([]byte, 0, min(buffer, size+1))
	s.machine.Left = opts.MaxSteps
	return s
}

// Write takes the file's next bytes. It fails when they are more than the file has.
func (s *Stream) Write(p []byte) (int, error) {
	if s.offset+int64(len(s.data)+len(p)) > s.size {
		return 0, fmt.Errorf("the file has more than its %d bytes", s.size)
	}
	written := len(p)
	for len(p) > 0 {
		if len(s.data) == cap(s.data) {
			s.look(len(s.data) - margin)
			s.forget()
		}
		n := min(len(p), cap(s.data)-len(s.data))
		s.data = append(s.data, p[:n]...)
		p = p[n:]
	}
	return written, nil
}

// forget drops what no later atom needs.
func (s *Stream) forget() {
	drop := max(0, s.looked-margin)
	s.data = s.data[:copy(s.data, s.data[drop:])]
	s.offset += int64(drop)
	s.looked -= drop
}

// look searches for atoms up to a place of the buffer.
func (s *Stream) look(to int) {
	if to <= s.looked || s.machine.Left < 0 {
		s.looked = max(s.looked, to)
		return
	}
	view := pattern.View{Data: s.data, Offset: s.offset, Size: s.size}
	s.rules.filter.search(s.data, s.looked, to, func(at int, all []target) {
		for i := range all {
			s.try(view, at, &all[i])
		}
	})
	s.looked = to
}

// try looks for matches around an atom.
func (s *Stream) try(view pattern.View, at int, t *target) {
	str, h := s.rules.strings[t.str], s.hits[t.str]
	if h != nil && h.enough {
		return
	}
	variant := &str.variants[t.variant]
	for start := s.untried(at, t); start <= at-int(t.min); start++ {
		length, ok := variant.program.Match(&s.machine, view, start)
		if !ok || str.fullword && !wholeWord(view, start, length, variant.wide) {
			continue
		}
		if h == nil {
			h = &hits{}
			s.hits[t.str] = h
		}
		s.keep(h, str, StringMatch{str.id, s.offset + int64(start), length})
		if h.enough {
			return
		}
	}
}

// untried gives the first start around an atom that was not tried around the same atom before.
func (s *Stream) untried(at int, t *target) int {
	from := max(at-int(t.max), 0)
	if t.min == t.max {
		return from
	}
	from = max(from, int(s.tried[t]-s.offset))
	s.tried[t] = s.offset + int64(at-int(t.min)) + 1
	return from
}

// keep adds a match, once.
func (s *Stream) keep(h *hits, str *str, m StringMatch) {
	at, there := slices.BinarySearchFunc(h.all, m.Offset, func(m StringMatch, offset int64) int { return cmp.Compare(m.Offset, offset) })
	if there {
		h.all[at].Length = max(h.all[at].Length, m.Length)
		return
	}
	if s.kept >= s.opts.MaxOffsets && len(h.all) > 0 {
		h.lost, h.enough = str.wants != wantsOne, true
		return
	}
	h.all = slices.Insert(h.all, at, m)
	s.kept++
	h.enough = str.wants == wantsOne && len(h.all) >= s.opts.MaxMatches
}

// wholeWord tells whether no letter or digit of ASCII touches a match.
func wholeWord(v pattern.View, start, length int, wide bool) bool {
	end := start + length
	before := start >= 1 && alphanumeric(v.Data[start-1])
	behind := end < len(v.Data) && alphanumeric(v.Data[end])
	if wide {
		before = start >= 2 && v.Data[start-1] == 0 && alphanumeric(v.Data[start-2])
		behind = behind && end+1 < len(v.Data) && v.Data[end+1] == 0
	}
	return !before && !behind
}

func alphanumeric(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// End searches what is left and decides the rules. The file is read again where conditions ask for its bytes.
func (s *Stream) End(file io.ReaderAt) (Result, error) {
	if have := s.offset + int64(len(s.data)); have != s.size {
		return Result{}, fmt.Errorf("search with YARA rules: the file has %d bytes, %d came: %w", s.size, have, io.ErrUnexpectedEOF)
	}
	s.look(len(s.data))
	return s.decide(file)
}
