package compile

import (
	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// targets says which fields of the step's input name what it changes, as the activity declares them. What a capture looks
// at is the compiler's alone: no guard asks for it.
func targets(d activities.Definition) []plan.TargetField {
	if d.Effect == activities.Capture {
		return nil
	}
	var list []plan.TargetField
	for _, t := range d.Targets {
		list = append(list, plan.TargetField{Field: t.Field, Kind: t.Kind})
	}
	return list
}
