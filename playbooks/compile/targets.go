package compile

import (
	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// targets says which fields of the step's input name what it changes, as the activity declares them.
func targets(d activities.Definition) []plan.TargetField {
	var list []plan.TargetField
	for _, t := range d.Targets {
		list = append(list, plan.TargetField{Field: t.Field, Kind: t.Kind})
	}
	return list
}
