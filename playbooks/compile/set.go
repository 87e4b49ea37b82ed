package compile

import (
	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// set reads named values, and gives the type of the object that they make.
func (c *compiler) set(m *syntax.Mapping, p place) ([]plan.Entry, string) {
	out := activities.Type{Kind: activities.Object}
	if m.Node() == nil || m.Node().Kind != syntax.Map {
		return nil, plan.Notation(out)
	}
	if len(m.Node().Entries) == 0 {
		c.reader.Report(m.Node(), "empty", "\"set\" is empty; it needs names with values")
	}
	var values []plan.Entry
	for _, e := range m.Node().Entries {
		name := e.Key.Text
		if !isIdentifier(name) {
			c.reader.Report(e.Key, "set", "the name %q must be letters, digits and underscores, and begin with a letter", name)
			continue
		}
		v := c.template(e.Value, anything(), `"`+name+`"`, p)
		values = append(values, plan.Entry{Key: name, Value: v})
		out.Fields = append(out.Fields, activities.Field{Name: name, Required: true, Type: c.typeOf(v)})
	}
	return values, plan.Notation(out)
}

// typeOf gives the type of what a template gives.
func (c *compiler) typeOf(v plan.Value) activities.Type {
	switch {
	case v.Expr != nil:
		if t, ok := c.typed[v.Expr.Pos]; ok {
			return c.types.declared(t)
		}
		return anything()
	case v.Text != nil:
		return text()
	case v.List != nil:
		inner := c.common(v.List)
		return activities.Type{Kind: activities.List, Elem: &inner}
	case v.Map != nil:
		var values []plan.Value
		for _, e := range v.Map {
			values = append(values, e.Value)
		}
		inner := c.common(values)
		return activities.Type{Kind: activities.Map, Elem: &inner}
	case v.Empty != "":
		inner := anything()
		return activities.Type{Kind: activities.TypeKind(v.Empty), Elem: &inner}
	}
	return literalType(v.Literal)
}

// common is the one type of several values, or any.
func (c *compiler) common(values []plan.Value) activities.Type {
	first := c.typeOf(values[0])
	for _, v := range values[1:] {
		if plan.Notation(c.typeOf(v)) != plan.Notation(first) {
			return anything()
		}
	}
	return first
}

func literalType(v any) activities.Type {
	switch v.(type) {
	case string:
		return text()
	case bool:
		return activities.Type{Kind: activities.Boolean}
	case int64:
		return activities.Type{Kind: activities.Integer}
	case float64:
		return activities.Type{Kind: activities.Number}
	}
	return anything()
}
