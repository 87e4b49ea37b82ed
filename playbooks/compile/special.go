package compile

import (
	"cel.dev/cel-go/cel"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// special gives the place at which a variable is seen that only some places have.
func (c *compiler) special(p place, name string) place {
	t, err := plan.SpecialType(name)
	if err != nil {
		return p
	}
	return p.seeing(name, c.types.celType(t))
}

// seeing gives the place with a further variable.
func (p place) seeing(name string, t *cel.Type) place {
	return p.binding(variable{name: name, t: t})
}

// whereSeen says where a variable stands that is not seen here; "" for a name that is no such variable.
func whereSeen(name string) string {
	switch name {
	case plan.ErrorVar:
		return "in catch, and in the \"when\" of retry"
	case plan.SignalsVar:
		return "in the \"until\" of wait"
	case plan.TargetVar:
		return "in the \"when\" of guards.protect"
	case plan.EventVar:
		return "in the \"map\" of a trigger for cloudevents"
	case plan.PlanVar:
		return "in the \"show\" of approve"
	case plan.OutputVar:
		return "in the \"until\" of while; elsewhere it is steps.ID.output"
	}
	return ""
}
