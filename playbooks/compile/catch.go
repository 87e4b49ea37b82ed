package compile

import (
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// catch reads the steps that take a failure. They see what their step sees, and one another.
func (c *compiler) catch(m *syntax.Mapping, at surroundings) []plan.Catch {
	if n := m.Optional("catch"); n != nil && n.Kind == syntax.List && len(n.Items) == 0 {
		c.reader.Report(n, "empty", "\"catch\" is empty; it needs a list of {when: …, do: […]}")
	}
	at.path += "/catch"
	var out []plan.Catch
	var every *syntax.Node // the one that takes every failure
	for _, n := range m.List("catch") {
		if every != nil {
			c.reader.Report(n, "unreachable", "this can never run: the one before it (line %d) has no \"when\", so it takes every failure; move it up", every.Line)
			every = nil
		}
		one := c.reader.Map(n, "a catch")
		if !one.Has("when") && n.Kind == syntax.Map {
			every = n
		}
		out = append(out, c.oneCatch(one, at))
	}
	return out
}

func (c *compiler) oneCatch(m *syntax.Mapping, at surroundings) plan.Catch {
	out := plan.Catch{}
	if n := m.Optional("when"); n != nil {
		expr, _, _ := c.conditionFacts(n, c.special(at.place, plan.ErrorVar))
		out.When = &expr
	}
	if m.Required("do") != nil {
		at.place = c.special(at.place, plan.ErrorVar)
		out.Do, _ = c.block(c.filled(m, "do"), at)
	}
	m.Done()
	return out
}
