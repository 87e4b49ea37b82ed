package workflows

import (
	"encoding/json"
	"slices"

	"github.com/firebreak-ir/firebreak/activities"
)

// lighter gives a copy of a record that is shorter by at least that many bytes of JSON, if its outputs are so long: the
// largest ones are left out first. Reports count the steps whose output they lack.
func lighter(r activities.Record, by int) activities.Record {
	r.Steps = slices.Clone(r.Steps)
	sizes, order := make([]int, len(r.Steps)), make([]int, len(r.Steps))
	for i, s := range r.Steps {
		raw, err := json.Marshal(s.Output)
		if err == nil {
			sizes[i] = len(raw)
		}
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return sizes[b] - sizes[a] })
	for _, i := range order {
		if by <= 0 {
			break
		}
		r.Steps[i].Output = nil
		by -= sizes[i]
	}
	return r
}
