package syntax

import (
	"cmp"
	"slices"
)

// Sort orders problems by place, then by rule and message, and drops repetitions.
func Sort(problems []Problem) []Problem {
	out := slices.Clone(problems)
	slices.SortStableFunc(out, compare)
	return slices.Compact(out)
}

func compare(a, b Problem) int {
	return cmp.Or(
		cmp.Compare(a.File, b.File),
		cmp.Compare(a.Line, b.Line),
		cmp.Compare(a.Column, b.Column),
		cmp.Compare(a.Rule, b.Rule),
		cmp.Compare(a.Message, b.Message),
	)
}
