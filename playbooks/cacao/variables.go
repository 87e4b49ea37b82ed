package cacao

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// variables declares what a run is given.
func (b *builder) variables() {
	b.variable("alert", "alert", Variable{Type: "dictionary", Description: "The alert that opened the case", External: true})
	for _, in := range b.plan.Inputs {
		v := Variable{Type: variableType(in.Type), Description: in.Doc, External: true}
		if in.Default != nil {
			text := asText(in.Default)
			v.Value = &text
		}
		b.variable("input "+in.Name, in.Name, v)
	}
	plan.Walk(func(s plan.Step) {
		if s.Uses != nil || s.Output != "" {
			b.output(s)
		}
	}, b.plan.Steps, b.plan.Finally)
}

// mostName is how long the name of a variable may be, with room for a number.
const mostName = 190

// variable declares a variable for something, once, under a name that nothing else has.
func (b *builder) variable(of, name string, v Variable) string {
	if known := b.names[of]; known != "" {
		return known
	}
	name = name[:min(len(name), mostName)]
	full := "__" + name + "__"
	for i := 2; ; i++ {
		if _, taken := b.out.Variables[full]; !taken {
			break
		}
		full = fmt.Sprintf("__%s_%d__", name, i)
	}
	b.names[of], b.out.Variables[full] = full, v
	return full
}

// output is the variable that a step's output is kept in: of an approval, the choice.
func (b *builder) output(s plan.Step) string {
	if s.Approve != nil {
		return b.variable("output "+s.ID, s.ID+"_choice", Variable{Type: "string", Description: "What was decided in " + s.Path})
	}
	return b.variable("output "+s.ID, s.ID+"_output", Variable{Type: "dictionary", Description: "Output of " + s.Path})
}

// condition writes a condition in CACAO's words where it is a plain comparison, and else as a variable that Firebreak
// gives its value.
func (b *builder) condition(e plan.Expr, path string) string {
	comparison := regexp.MustCompile(`^(?:inputs\.(\w+)|steps\.(\w+)\.output\.choice) (==|!=) '([^'\\]*)'$`)
	m := comparison.FindStringSubmatch(e.Source)
	if m == nil {
		return b.unsaid(path, e.Source)
	}
	name := b.names["input "+m[1]]
	if m[1] == "" {
		name = b.names["output "+m[2]]
	}
	if name == "" { // a step of `catch`, or of another playbook
		return b.unsaid(path, e.Source)
	}
	return fmt.Sprintf("%s:value %s '%s'", name, m[3], m[4])
}

// unsaid is a condition that only Firebreak can evaluate.
func (b *builder) unsaid(of, source string) string {
	name := regexp.MustCompile(`\W+`).ReplaceAllString(of, "_")
	return b.variable("condition "+of, "if_"+name, Variable{Type: "bool", Description: "CEL: " + source}) + ":value == true"
}

// reads are the variables that templates read.
func (b *builder) reads(list []plan.Entry) []string {
	seen := map[string]bool{}
	for _, e := range list {
		b.read(e.Value, seen)
	}
	var out []string
	for name := range seen {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

func (b *builder) read(v plan.Value, seen map[string]bool) {
	if v.Expr != nil {
		b.readExpr(v.Expr.Source, seen)
	}
	for _, part := range v.Text {
		if part.Expr != nil {
			b.readExpr(part.Expr.Source, seen)
		}
	}
	for _, item := range v.List {
		b.read(item, seen)
	}
	for _, e := range v.Map {
		b.read(e.Value, seen)
	}
}

func (b *builder) readExpr(source string, seen map[string]bool) {
	for _, m := range regexp.MustCompile(`\b(?:(alert)|inputs\.(\w+)|steps\.(\w+))\b`).FindAllStringSubmatch(source, -1) {
		for i, of := range []string{m[1], "input " + m[2], "output " + m[3]} {
			if name := b.names[of]; m[i+1] != "" && name != "" {
				seen[name] = true
			}
		}
	}
}

func variableType(t activities.Type) string {
	switch t.Kind {
	case activities.Integer:
		return "integer"
	case activities.Number:
		return "float"
	case activities.Boolean:
		return "bool"
	case activities.List:
		return "list"
	}
	return "string"
}

func asText(v any) string {
	if text, ok := v.(string); ok {
		return text
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(raw)
}
