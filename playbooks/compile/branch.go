package compile

import (
	"slices"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// branch reads an `if` that chooses between two blocks.
func (c *compiler) branch(m *syntax.Mapping, id string, at surroundings) *plan.Branch {
	b := &plan.Branch{}
	var holds, fails []string
	if n := m.Required("if"); n != nil {
		b.Cond, holds, fails = c.conditionFacts(n, at.place)
		if at.facts.contradict(fails) && m.Has("else") {
			c.reader.Report(m.Optional("else"), "constant",
				"this can never run: a condition around the step or before it says what its \"if\" says; remove it")
		}
	}
	c.facts[id] = known{then: holds, otherwise: fails}
	then, otherwise := at, at
	then.place, otherwise.place = at.holding(holds), at.holding(fails)
	b.Then, _ = c.block(c.ordered(m, c.filled(m, "then")), then)
	if m.Has("else") {
		b.Else, _ = c.block(c.ordered(m, c.filled(m, "else")), otherwise)
	}
	return b
}

// choice reads a switch: in each case its condition holds and those before it do not.
func (c *compiler) choice(m *syntax.Mapping, s *plan.Step, at surroundings) *plan.Switch {
	out := &plan.Switch{}
	facts := known{own: c.facts[s.ID].own}
	list := m.List("switch")
	if n := m.Optional("switch"); len(list) == 0 && n.Kind == syntax.List {
		c.reader.Report(n, "empty", "\"switch\" is empty; it needs a list of {case: …, do: […]}")
	}
	for _, n := range list {
		one, holds, fails := c.oneCase(m, n, at)
		out.Cases = append(out.Cases, one)
		facts.cases = append(facts.cases, slices.Concat(facts.none, holds))
		facts.none = slices.Concat(facts.none, fails)
		at.place = at.holding(fails)
	}
	if m.Has("default") {
		out.Default, _ = c.block(c.ordered(m, c.filled(m, "default")), at)
	}
	c.facts[s.ID] = facts
	return out
}

func (c *compiler) oneCase(of *syntax.Mapping, n *syntax.Node, at surroundings) (one plan.Case, holds, fails []string) {
	m := c.reader.Map(n, "a case of a switch")
	if cond := m.Required("case"); cond != nil {
		one.When, holds, fails = c.conditionFacts(cond, at.place)
	}
	at.place = at.holding(holds)
	if m.Required("do") != nil {
		one.Do, _ = c.block(c.ordered(of, c.filled(m, "do")), at)
	}
	m.Done()
	return one, holds, fails
}
