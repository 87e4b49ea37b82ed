package compile

import (
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// looping is a foreach around a step, also around the call that leads to it.
type looping struct {
	as     string   // the item's name
	path   string   // of the foreach; "" where it is around the call of this playbook
	inputs []string // those of this playbook that have the item in them, where it is around its call
}

// idempotencyKey reads the key under which the activity does its work once. One key for several items of a foreach would
// make the work of one item of them all.
func (c *compiler) idempotencyKey(m *syntax.Mapping, at surroundings) *plan.Value {
	n := m.Optional("idempotencyKey")
	if n == nil {
		return nil
	}
	key := c.template(n, text(), `"idempotencyKey"`, at.place)
	if m.Has("while") {
		c.reader.Report(n, "idempotencyKey", "every round of a while is a call of its own, but this gives all of them one key; remove it")
		return &key
	}
	for _, l := range slices.Concat(c.options.loops, at.loops) {
		if !c.tells(key, l) {
			c.reader.Report(n, "idempotencyKey", "%s", l.same())
			return &key
		}
	}
	return &key
}

// same says that a key does not tell the items of a foreach apart.
func (l looping) same() string {
	switch {
	case l.path != "":
		return fmt.Sprintf("the key is the same for every item of the foreach, so only the first would be done; put %q into it", l.as)
	case len(l.inputs) == 0:
		return fmt.Sprintf("a foreach calls this playbook for each %q, but hands it no input with the item, so the key is the same for all and only the first would be done; hand it over, and put it into the key", l.as)
	}
	return fmt.Sprintf("a foreach calls this playbook for each %q, and the key is the same for all, so only the first would be done; put inputs.%s into it",
		l.as, strings.Join(l.inputs, " or inputs."))
}

// tells tells whether a value reads the item of a foreach, a step inside of it, or an input that has the item.
func (c *compiler) tells(v plan.Value, l looping) bool {
	reads := func(e *plan.Expr) bool {
		return e != nil && c.parsed[e.Source] != nil && c.readsItem(c.parsed[e.Source].NativeRep(), l)
	}
	return reads(v.Expr) || slices.ContainsFunc(v.Text, func(p plan.Part) bool { return reads(p.Expr) }) ||
		slices.ContainsFunc(v.List, func(item plan.Value) bool { return c.tells(item, l) }) ||
		slices.ContainsFunc(v.Map, func(e plan.Entry) bool { return c.tells(e.Value, l) })
}

func (c *compiler) readsItem(tree *ast.AST, l looping) bool {
	own, found := ownVariables(tree), false
	ast.PreOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		switch e.Kind() {
		case ast.IdentKind:
			found = found || l.path != "" && e.AsIdent() == l.as && !own[l.as]
		case ast.SelectKind:
			on, field := e.AsSelect().Operand(), e.AsSelect().FieldName()
			if on.Kind() != ast.IdentKind || own[on.AsIdent()] {
				return
			}
			found = found || on.AsIdent() == stepsType && c.runsInside(field, l) ||
				on.AsIdent() == inputsType && l.path == "" && slices.Contains(l.inputs, field)
		}
	}))
	return found
}

// runsInside tells whether a step runs once for each item.
func (c *compiler) runsInside(id string, l looping) bool {
	return l.path == "" || strings.HasPrefix(c.paths[id], l.path+"/")
}

// handing gives the foreach loops around a call as the called playbook knows them: by its inputs.
func (c *compiler) handing(given []plan.Entry, at surroundings) []looping {
	var out []looping
	for _, l := range slices.Concat(c.options.loops, at.loops) {
		over := looping{as: l.as}
		for _, e := range given {
			if c.tells(e.Value, l) {
				over.inputs = append(over.inputs, e.Key)
			}
		}
		out = append(out, over)
	}
	return out
}
