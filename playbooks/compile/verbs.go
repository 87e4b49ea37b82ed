package compile

import (
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// known are the facts that a step's conditions establish.
type known struct{ own, then, otherwise []string }

func verbs() []string { return []string{"uses", "parallel", "foreach", "then"} }

// verb reads the one verb of a step.
func (c *compiler) verb(m *syntax.Mapping, s *plan.Step, at surroundings) {
	n := m.Node()
	c.refuse(m, widerVerbs())
	found := slices.DeleteFunc(verbs(), func(verb string) bool { return n.Get(verb) == nil })
	switch {
	case len(found) > 1:
		c.reader.Report(n, "verb", "a step has one verb, but this one has %s; make it %d steps", strings.Join(found, " and "), len(found))
		m.Known("uses", "with", "parallel", "foreach", "do", "if", "then", "else", "retry", "timeout", "heartbeat")
		return
	case len(found) == 0:
		c.skipping(m, s, &at)
		if !hasAny(n, widerVerbs()) {
			c.reader.Report(n, "verb", "the step does nothing; it needs one of uses, parallel, foreach, or if with then")
		}
		m.Known("uses", "with", "parallel", "foreach", "do", "then", "else", "retry", "timeout", "heartbeat")
		return
	}
	if found[0] == "then" {
		c.branch(m, s, at)
		return
	}
	c.skipping(m, s, &at)
	switch found[0] {
	case "uses":
		s.Uses = c.uses(m, at)
	case "parallel":
		s.Parallel = c.branches(c.filled(m, "parallel"), at)
	case "foreach":
		s.Foreach = c.foreach(m, s.OnError, at)
	}
}

// skipping reads the `if` of a step that is skipped without it; inside the step it is known to hold.
func (c *compiler) skipping(m *syntax.Mapping, s *plan.Step, at *surroundings) {
	n := m.Optional("if")
	if n == nil {
		return
	}
	expr, holds, _ := c.conditionFacts(n, at.place)
	s.If = &expr
	c.facts[s.ID] = known{own: holds}
	at.place = at.holding(holds)
}

func (c *compiler) branch(m *syntax.Mapping, s *plan.Step, at surroundings) {
	b := &plan.Branch{}
	var holds, fails []string
	if n := m.Required("if"); n != nil {
		b.Cond, holds, fails = c.conditionFacts(n, at.place)
	}
	c.facts[s.ID] = known{then: holds, otherwise: fails}
	then, otherwise := at, at
	then.place, otherwise.place = at.holding(holds), at.holding(fails)
	b.Then, _ = c.block(c.filled(m, "then"), then)
	if m.Has("else") {
		b.Else, _ = c.block(c.filled(m, "else"), otherwise)
	}
	s.Branch = b
}

// conditionFacts checks a condition and gives what is known when it holds and when it does not.
func (c *compiler) conditionFacts(n *syntax.Node, p place) (expr plan.Expr, holds, fails []string) {
	expr, checked, ok := c.bare(n, p)
	if !ok {
		return expr, nil, nil
	}
	if kind := checked.OutputType().Kind(); kind != types.BoolKind && kind != types.DynKind {
		c.reader.Report(n, "type", "a condition must be true or false, but this is %s", c.types.describe(checked.OutputType()))
		return expr, nil, nil
	}
	tree := checked.NativeRep()
	if tree.Expr().Kind() == ast.LiteralKind {
		c.reader.Report(n, "constant", "the condition is always %s, so a part of the playbook can never run; remove it", n.Text)
	}
	return expr, whenTrue(tree, tree.Expr()), whenFalse(tree, tree.Expr())
}

// filled reads a list of steps that must not be empty.
func (c *compiler) filled(m *syntax.Mapping, key string) []*syntax.Node {
	list := m.List(key)
	if n := m.Optional(key); len(list) == 0 && n.Kind == syntax.List {
		c.reader.Report(n, "empty", "%q is empty", key)
	}
	return list
}

func anything() activities.Type { return activities.Type{Kind: activities.Any} }
