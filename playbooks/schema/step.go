package schema

import (
	"fmt"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// hole is a text that holds an expression.
const hole = `\$\{\{`

// step is a step with any verb. Which `with` belongs to which activity is said by conditions, one an activity.
func (b *builder) step() (object, error) {
	var names []object
	var conditions []object
	for _, d := range b.catalog.All() {
		in, err := activities.TypeOf(d.In)
		if err != nil {
			return nil, fmt.Errorf("activity %q: %w", d.Name, err)
		}
		key := "with " + d.Name
		b.definitions[key] = typed(in, d.Summary)
		names = append(names, object{"const": d.Name, "description": d.Summary})
		conditions = append(conditions, object{
			"if":   object{"properties": object{"uses": object{"const": d.Name}}, "required": []string{"uses"}},
			"then": object{"properties": object{"with": ref(key)}},
		})
	}
	out := closed("A step", b.stepKeys(names), "id")
	out["allOf"] = conditions
	out["oneOf"] = oneOf("uses", "parallel", "foreach", "then", "switch", "wait", "approve", "call", "set", "rollback", "stop")
	out["dependencies"] = object{
		"with": []string{"uses"}, "while": []string{"uses"}, "do": []string{"foreach"}, "foreach": []string{"do"},
		"then": []string{"if"}, "else": []string{"then"}, "default": []string{"switch"}, "retry": []string{"uses"},
		"heartbeat": []string{"uses"}, "timeout": []string{"uses"}, "idempotencyKey": []string{"uses"}, "undo": []string{"uses"},
	}
	return out, nil
}

// oneOf wants exactly one of these keys.
func oneOf(keys ...string) []object {
	var out []object
	for _, key := range keys {
		out = append(out, object{"required": []string{key}})
	}
	return out
}

func (b *builder) stepKeys(names []object) object {
	keys := object{
		"id":    text("Unique in the file", `^[a-zA-Z][a-zA-Z0-9_]*$`),
		"phase": words("Of the response; steps follow in this order", plan.Phases()...),
		"if":    ref("condition"),
		"uses":  object{"anyOf": names, "description": "One activity"},
		"with":  object{"description": "The activity's input"},
		"while": closed("Repeats the activity", object{"until": ref("condition"), "max": whole("", 1, 1000), "every": ref("duration")}, "until", "max"),

		"parallel": ref("steps"), "do": ref("steps"), "then": ref("steps"), "else": ref("steps"), "default": ref("steps"),
		"order":          words("Captures in the order of volatility (RFC 3227)", "volatility"),
		"requires":       closed("", object{"evidence": texts("Steps whose evidence must exist"), "waive": object{"type": "object", "additionalProperties": text("Why it may be missing", "")}}),
		"idempotencyKey": text("", ""),
		"retry":          ref("retry"), "timeout": ref("duration"), "heartbeat": ref("duration"), "onError": onError(),
	}
	for name, verb := range verbs() {
		keys[name] = verb
	}
	return keys
}

// verbs are those with an object of their own, and what takes a failure or a change back.
func verbs() object {
	return object{
		"foreach": closed("Runs the steps under do once for each item", object{
			"in": text("A CEL expression that gives a list", ""), "as": text("Name of the item", `^[a-zA-Z][a-zA-Z0-9_]*$`),
			"concurrency": whole("", 1, 64), "max": whole("", 1, 10_000), "onError": onError(),
		}, "in"),
		"switch": object{"type": "array", "minItems": 1, "items": closed("", object{"case": ref("condition"), "do": ref("steps")}, "case", "do")},
		"wait": object{"anyOf": []object{ref("duration"), closed("", object{
			"for": ref("duration"), "until": ref("condition"), "onTimeout": words("", "continue", "fail"),
		})}},
		"approve": closed("Asks people", object{
			"title": text("What is asked", ""), "from": text("Name of approvers", `^[a-z][a-z0-9-]{0,39}$`), "show": texts("Expressions"),
			"choices": object{
				"type": "array", "minItems": 2, "items": text("", `^[a-z][a-z0-9_-]{0,39}$`), "description": "What can be answered; [approve, reject] where it is left out",
			},
			"timeout": ref("duration"), "remind": ref("duration"), "onTimeout": text("A choice, hold or fail", ""), "onDrill": text("A choice", ""),
			"escalate": object{"type": "array", "items": closed("", object{"after": ref("duration"), "to": text("", "")}, "after", "to")},
			"skipWhen": ref("condition"),
		}, "title", "from"),
		"call": closed("Runs another playbook", object{
			"playbook": text("", ""), "version": text("Such as ^1.2", ""), "inputs": object{"type": "object"},
		}, "playbook"),
		"set":      object{"type": "object", "description": "Named values"},
		"rollback": closed("Takes back what the run changed", object{"reason": text("", "")}, "reason"),
		"stop":     closed("Ends the run", object{"outcome": text("", `^[a-z][a-z0-9_]*$`), "reason": text("", "")}, "outcome"),
		"catch":    object{"type": "array", "minItems": 1, "items": closed("", object{"when": ref("condition"), "do": ref("steps")}, "do")},
		"undo":     object{"anyOf": []object{{"const": "none"}, closed("", object{"uses": text("", ""), "with": object{}, "timeout": ref("duration")}, "uses")}},
	}
}

// typed is the schema of a declared type. Where another type than text is wanted, a text with an expression is taken too.
func typed(t activities.Type, doc string) object {
	out := bare(t)
	if t.Kind != activities.String && t.Kind != activities.Time && t.Kind != activities.Any {
		out = object{"anyOf": []object{out, {"type": "string", "pattern": hole}}}
	}
	if doc != "" {
		out["description"] = doc
	}
	return out
}

func bare(t activities.Type) object {
	switch t.Kind {
	case activities.String, activities.Time:
		return object{"type": "string"}
	case activities.Integer:
		return object{"type": "integer"}
	case activities.Number:
		return object{"type": "number"}
	case activities.Boolean:
		return object{"type": "boolean"}
	case activities.List:
		return object{"type": "array", "items": typed(element(t), "")}
	case activities.Map:
		return object{"type": "object", "additionalProperties": typed(element(t), "")}
	case activities.Object:
		return fields(t)
	}
	return object{}
}

func element(t activities.Type) activities.Type {
	if t.Elem == nil {
		return activities.Type{Kind: activities.Any}
	}
	return *t.Elem
}

func fields(t activities.Type) object {
	properties, required := object{}, []string{}
	for _, f := range t.Fields {
		properties[f.Name] = typed(f.Type, f.Doc)
		if f.Required && f.Default == "" {
			required = append(required, f.Name)
		}
	}
	return closed("", properties, required...)
}
