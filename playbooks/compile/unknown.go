package compile

import (
	"slices"
	"strconv"
	"strings"

	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"

	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// typeErrors words the checker's errors. Unknown names get our own sentence, found by the expression's node.
func (c *compiler) typeErrors(s span, p place, tree *ast.AST, errs []*common.Error) {
	nodes := map[int64]ast.Expr{}
	ast.PreOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) { nodes[e.ID()] = e }))
	for _, e := range errs {
		at := s.at(s.offset(e.Location))
		node, ok := nodes[e.ExprID]
		switch {
		case ok && node.Kind() == ast.SelectKind && c.missed(node) != nil:
			c.reader.Add(s.fieldPlace(at, node).Problem("unknown-field", "%s", c.missing(p, *c.missed(node))))
		case ok && node.Kind() == ast.IdentKind && !slices.Contains(p.names(), node.AsIdent()):
			c.reader.Add(at.Problem("unknown-name", "%s", unknownName(p, node.AsIdent())))
		case ok && node.Kind() == ast.SelectKind && strings.HasPrefix(e.Message, "type 'type("): // CEL takes the name for that of a type
			root := rootOf(node)
			c.reader.Add(at.Problem("unknown-name", "%s", unknownName(p, root)))
		case ok && node.Kind() == ast.CallKind:
			c.reader.Add(at.Problem("type", "%s", c.overload(e.Message)))
		default:
			c.reader.Add(at.Problem("type", "%s", e.Message))
		}
	}
}

// rootOf gives the name with which a selection begins.
func rootOf(e ast.Expr) string {
	for e.Kind() == ast.SelectKind {
		e = e.AsSelect().Operand()
	}
	if e.Kind() != ast.IdentKind {
		return ""
	}
	return e.AsIdent()
}

func unknownName(p place, name string) string {
	if where := whereSeen(name); where != "" {
		return "the variable \"" + name + "\" is seen only " + where
	}
	return "there is no variable \"" + name + "\" here" + syntax.DidYouMean(name, p.names())
}

// overload keeps the first sentence of the checker: what was called with which types.
func (c *compiler) overload(message string) string {
	message, _, _ = strings.Cut(message, "\n")
	return strings.ReplaceAll(message, "_", "")
}

// fieldPlace is the place of the field's name, where the selection is written with a point.
func (s span) fieldPlace(at syntax.Position, node ast.Expr) syntax.Position {
	if node.AsSelect().IsTestOnly() {
		return at
	}
	at.Column++
	return at
}

func (c *compiler) missed(node ast.Expr) *miss {
	i := slices.IndexFunc(c.types.misses, func(m miss) bool { return m.field == node.AsSelect().FieldName() })
	if i < 0 {
		return nil
	}
	return &c.types.misses[i]
}

// missing says what is wrong with a field that is not there.
func (c *compiler) missing(p place, m miss) string {
	if m.object == stepsType {
		return c.missingStep(p, m.field)
	}
	what := "there is no field " + `"` + m.field + `"`
	switch v, isStep := c.types.views[m.object]; {
	case m.object == inputsType:
		what = "the playbook has no input " + `"` + m.field + `"`
	case isStep && m.field == "output" && v.item != nil:
		return "a foreach has no output; its results are in steps." + v.id + ".items[i]"
	case isStep && m.field == "output" && len(v.children) > 0:
		return "step \"" + v.id + "\" has no output itself here; its steps have: " + strings.Join(v.fields()[2:], ", ")
	case isStep && m.field == "output":
		return "step \"" + v.id + "\" has no output"
	case isStep:
		what = "step \"" + v.id + "\" has no \"" + m.field + `"`
	case c.types.roots[m.object].Kind != "":
		what += " in " + m.object
	}
	return what + syntax.DidYouMean(m.field, c.types.fields(m.object))
}

func (c *compiler) missingStep(p place, id string) string {
	if way := c.wayTo(p, id); way != "" {
		return "step \"" + id + "\" is inside another; from here it is " + way
	}
	line, known := c.lines[id]
	if !known {
		return "there is no step \"" + id + `"` + syntax.DidYouMean(id, sortedNames(c.lines))
	}
	why := "a step sees those before it in its block and around it"
	if p.sorted {
		why += ", and \"order: volatility\" says which comes first"
	}
	return "step \"" + id + "\" (line " + strconv.Itoa(line) + ") cannot be seen here: " + why
}

// wayTo gives the way to a step inside a visible one.
func (c *compiler) wayTo(p place, id string) string {
	for _, name := range sortedNames(p.steps) {
		if way := p.steps[name].way(id); way != "" {
			return "steps." + way
		}
	}
	return ""
}

func (v *view) way(id string) string {
	if v.item != nil {
		if way := v.item.way(id); way != "" {
			return v.id + ".items[i]" + strings.TrimPrefix(way, v.item.id)
		}
	}
	for _, child := range v.children {
		if child.id == id {
			return v.id + "." + id
		}
		if way := child.way(id); way != "" {
			return v.id + "." + way
		}
	}
	return ""
}
