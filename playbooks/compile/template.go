package compile

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// template reads a value with expressions in it and checks it against the type that is wanted.
func (c *compiler) template(n *syntax.Node, want activities.Type, what string, p place) plan.Value {
	switch n.Kind {
	case syntax.Broken:
		return plan.Value{}
	case syntax.List:
		return c.listOf(n, want, what, p)
	case syntax.Map:
		return c.mapOf(n, want, what, p)
	case syntax.Text:
		if hole(n.Text) {
			return c.holes(n, want, what, p)
		}
	}
	v, ok := scalar(n)
	if !ok && n.Kind != syntax.Null {
		c.reader.Report(n, "type", "%s is a number out of range", n.Text)
		return plan.Value{}
	}
	if err := plan.Fits(v, want); err != nil {
		c.wrongScalar(n, want, what)
	}
	return plan.Value{Literal: v}
}

func (c *compiler) wrongScalar(n *syntax.Node, want activities.Type, what string) {
	switch {
	case n.Kind == syntax.Null:
		c.reader.Report(n, "type", "%s is empty, but it must be %s", what, brief(want))
	case want.Kind == activities.String:
		c.reader.Report(n, "type", "%s must be a string, but %s is %s in YAML; quote it: \"%s\"", what, n.Text, n.Kind, n.Text)
	default:
		c.reader.Report(n, "type", "%s must be %s, not %s", what, brief(want), n.Kind)
	}
}

func (c *compiler) listOf(n *syntax.Node, want activities.Type, what string, p place) plan.Value {
	if want.Kind != activities.List && want.Kind != activities.Any {
		c.reader.Report(n, "type", "%s must be %s, not a list", what, brief(want))
		return plan.Value{}
	}
	var out []plan.Value
	for _, item := range n.Items {
		out = append(out, c.template(item, element(want), "an item of "+what, p))
	}
	if len(out) == 0 {
		return plan.Value{Empty: "list"}
	}
	return plan.Value{List: out}
}

func (c *compiler) mapOf(n *syntax.Node, want activities.Type, what string, p place) plan.Value {
	if want.Kind != activities.Map && want.Kind != activities.Object && want.Kind != activities.Any {
		c.reader.Report(n, "type", "%s must be %s, not a map", what, brief(want))
		return plan.Value{}
	}
	var out []plan.Entry
	for _, e := range n.Entries {
		inner := element(want)
		if want.Kind == activities.Object {
			field, ok := want.Field(e.Key.Text)
			if !ok {
				c.reader.Report(e.Key, "unknown-field", "%s has no field %q%s", what, e.Key.Text, syntax.DidYouMean(e.Key.Text, fieldNames(want)))
				continue
			}
			inner = field.Type
		}
		out = append(out, plan.Entry{Key: e.Key.Text, Value: c.template(e.Value, inner, `"`+e.Key.Text+`"`, p)})
	}
	for _, f := range want.Fields {
		if f.Default != "" && n.Get(f.Name) == nil {
			out = append(out, plan.Entry{Key: f.Name, Value: plan.Value{Expr: &plan.Expr{Source: f.Default, Pos: position(n.Position)}}})
			continue
		}
		if f.Required && n.Get(f.Name) == nil {
			c.reader.Report(n, "missing-field", "%s needs the field %q (%s)", what, f.Name, hint(f))
		}
	}
	if len(out) == 0 {
		return plan.Value{Empty: "map"}
	}
	return plan.Value{Map: out}
}

func fieldNames(t activities.Type) []string {
	var out []string
	for _, f := range t.Fields {
		out = append(out, f.Name)
	}
	return out
}

func hint(f activities.Field) string {
	if f.Doc == "" {
		return brief(f.Type)
	}
	return f.Doc
}

// holes reads a text with expressions. One expression alone keeps its type; with words around it the value is text.
func (c *compiler) holes(n *syntax.Node, want activities.Type, what string, p place) plan.Value {
	parts, ok := c.pieces(n)
	if !ok {
		return plan.Value{}
	}
	if len(parts) == 1 && parts[0].expr != nil {
		return c.alone(*parts[0].expr, want, what, p)
	}
	var out []plan.Part
	inside := literalState{}
	for _, part := range parts {
		if part.expr == nil {
			if want.Code != "" {
				inside.read(part.words)
			}
			out = append(out, plan.Part{Words: part.words})
			continue
		}
		expr := part.expr.expr()
		checked, ok := c.check(*part.expr, p)
		out = append(out, plan.Part{Expr: &expr})
		if ok && want.Code != "" {
			out[len(out)-1].Quote = c.spliced(*part.expr, checked, want.Code, inside)
		}
		if ok && !writable(checked.OutputType()) {
			c.reader.Add(part.expr.at(0).Problem("type", "%s cannot stand inside a text; choose a part of it", c.types.describe(checked.OutputType())))
		}
	}
	if want.Kind != activities.String && want.Kind != activities.Any {
		c.reader.Report(n, "type", "%s must be %s, but text with an expression in it is a string", what, brief(want))
	}
	if len(out) == 1 { // only words: an escaped opening
		return plan.Value{Literal: out[0].Words}
	}
	return plan.Value{Text: out}
}

func (c *compiler) alone(s span, want activities.Type, what string, p place) plan.Value {
	expr := s.expr()
	if checked, ok := c.check(s, p); ok {
		c.whole(s, checked, want.Code, what)
		if why := c.assignable(checked.OutputType(), want); why != "" {
			c.reader.Add(s.at(0).Problem("type", "%s must be %s, but the expression gives %s", what, brief(want), why))
		}
	}
	return plan.Value{Expr: &expr}
}

// whole refuses an expression that is code from end to end and has words in it that an attacker can choose.
func (c *compiler) whole(s span, checked *cel.Ast, language, what string) {
	if language == "" {
		return
	}
	if by := c.tainted(checked, language); by != nobodys {
		c.reader.Add(s.at(0).Problem("tainted", "%s is %s, and %s; write it here, with %s.quote(…) around those words",
			what, languageName(language), by, language))
	}
}

// writable tells whether a value can stand inside a text.
func writable(t *cel.Type) bool {
	switch t.Kind() {
	case types.ListKind, types.MapKind, types.StructKind, types.NullTypeKind, types.BytesKind:
		return false
	}
	return true
}

// assignable tells why a value of type from cannot be given where want is declared; "" when it can.
func (c *compiler) assignable(from *cel.Type, want activities.Type) string {
	switch {
	case from.Kind() == types.DynKind:
		return "" // found out at run time, by the activity's own check
	case from.Kind() == types.NullTypeKind || from.Kind() == types.BytesKind:
		return from.TypeName()
	}
	have := c.types.declared(from)
	if !fits(have, want) {
		return brief(have)
	}
	return ""
}

// fits tells whether every value of type have is one of type want. Activities refuse unknown fields, so an object must
// not have more than is wanted.
func fits(have, want activities.Type) bool {
	switch {
	case want.Kind == activities.Any || have.Kind == activities.Any:
		return true
	case have.Kind == activities.Integer && want.Kind == activities.Number:
		return true
	case have.Kind == activities.Time && want.Kind == activities.String:
		return true
	case have.Kind != want.Kind:
		return false
	case have.Kind == activities.List || have.Kind == activities.Map:
		return fits(element(have), element(want))
	case have.Kind == activities.Object:
		return fitsObject(have, want)
	}
	return true
}

func fitsObject(have, want activities.Type) bool {
	for _, f := range want.Fields {
		given, ok := have.Field(f.Name)
		if ok && !fits(given.Type, f.Type) || !ok && f.Required {
			return false
		}
	}
	for _, f := range have.Fields {
		if _, ok := want.Field(f.Name); !ok {
			return false
		}
	}
	return true
}
