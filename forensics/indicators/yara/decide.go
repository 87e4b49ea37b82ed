package yara

import (
	"fmt"
	"io"
	"slices"
)

const maxConditionSteps = 1 << 20 // of one rule in one file

// decide evaluates the rules that may match.
func (s *Stream) decide(file io.ReaderAt) (Result, error) {
	var out Result
	if s.machine.Left < 0 {
		out.Undecided = append(out.Undecided, fmt.Sprintf("the strings were not searched for to the file's end: that takes more than %d steps", s.opts.MaxSteps))
	}
	matched := make([]bool, len(s.rules.rules))
	held := true // all global rules
	for _, number := range s.candidates() {
		one := s.rules.rules[number]
		out.Undecided = append(out.Undecided, s.lost(one)...)
		sc := &scene{file: file, size: s.size, matched: matched, left: maxConditionSteps}
		sc.hits = func(str int) *hits { return s.hits[int32(one.first+str)] }
		matched[number] = sc.eval(one.condition).holds()
		if sc.failed != nil {
			return Result{}, fmt.Errorf("search with YARA rule %q: %w", one.name, sc.failed)
		}
		if sc.left < 0 {
			matched[number] = false
			out.Undecided = append(out.Undecided, fmt.Sprintf("rule %q: its condition takes more than %d steps", one.name, maxConditionSteps))
		}
		held = held && (matched[number] || !one.global)
		if matched[number] && !one.private {
			out.Matches = append(out.Matches, s.match(one))
		}
	}
	if !held {
		out.Matches = nil
	}
	return out, nil
}

// candidates gives the rules that may match, in their order.
func (s *Stream) candidates() []int {
	all := slices.Clone(s.rules.always)
	for str := range s.hits {
		all = append(all, s.rules.strings[str].rule)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// lost says which strings of a rule were found more often than was kept.
func (s *Stream) lost(one *rule) []string {
	var out []string
	for i, str := range one.strings {
		if h := s.hits[int32(one.first+i)]; h != nil && h.lost {
			out = append(out, fmt.Sprintf("rule %q: string %q is found more often than the %d times that are kept", one.name, str.id, s.opts.MaxOffsets))
		}
	}
	return out
}

func (s *Stream) match(one *rule) Match {
	m := Match{Rule: one.name, Place: one.place.String(), Tags: one.tags, Meta: one.meta}
	for i, str := range one.strings {
		if h := s.hits[int32(one.first+i)]; h != nil && !str.private {
			m.Strings = append(m.Strings, h.all[:min(len(h.all), s.opts.MaxMatches)]...)
		}
	}
	return m
}
