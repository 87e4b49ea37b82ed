package yara

import (
	"cmp"
	"fmt"
	"slices"
)

// Place is where something stands in a rule file.
type Place struct {
	File         string
	Line, Column int // from one; columns count bytes
}

func (p Place) String() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column) }

// Problem is a rule that is not searched for, and why.
type Problem struct {
	Place Place
	Rule  string // empty where the mistake stands outside of a rule
	Why   string
}

func (p Problem) Error() string {
	if p.Rule == "" {
		return fmt.Sprintf("%s: %s", p.Place, p.Why)
	}
	return fmt.Sprintf("%s: rule %q: %s", p.Place, p.Rule, p.Why)
}

func sortProblems(all []Problem) {
	slices.SortStableFunc(all, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Place.Line, b.Place.Line), cmp.Compare(a.Place.Column, b.Place.Column))
	})
}
