package compile

import (
	"slices"
	"strings"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// verbs are the keys of which a step has exactly one; `if` is one together with `then`.
func verbs() []string {
	return []string{"uses", "parallel", "foreach", "then", "switch", "wait", "approve", "call", "set", "rollback", "stop"}
}

func blockVerbs() []string { return []string{"parallel", "foreach", "then", "switch"} }

// companions are the keys that stand beside one verb or another.
func companions() []string {
	return []string{
		"with", "while", "do", "if", "else", "default", "retry", "timeout", "heartbeat", "undo", "idempotencyKey", "order",
	}
}

// verb reads the one verb of a step. Behind it at is the place inside the step, where its condition holds.
func (c *compiler) verb(m *syntax.Mapping, s *plan.Step, at *surroundings) {
	n := m.Node()
	found := slices.DeleteFunc(verbs(), func(verb string) bool { return n.Get(verb) == nil })
	if len(found) != 1 {
		c.notOneVerb(m, found)
		c.skipping(m, s, at)
		return
	}
	if slices.Contains(blockVerbs(), found[0]) {
		at.sorted = m.OneOf("order", byVolatility) != ""
		c.together(m, found[0], at.sorted)
	}
	if found[0] == "then" {
		s.Branch = c.branch(m, s.ID, *at)
		return
	}
	c.skipping(m, s, at)
	c.doing(m, s, found[0], *at)
}

func (c *compiler) notOneVerb(m *syntax.Mapping, found []string) {
	n := m.Node()
	switch {
	case len(found) > 1:
		c.reader.Report(n, "verb", "a step has one verb, but this one has %s; make it %d steps", strings.Join(found, " and "), len(found))
	case n.Get("while") != nil:
		c.reader.Report(n, "verb", "\"while\" repeats an activity, but the step uses none; add uses")
	default:
		c.reader.Report(n, "verb", "the step does nothing; it needs one of %s, or if with then",
			strings.Join(slices.DeleteFunc(verbs(), func(verb string) bool { return verb == "then" }), ", "))
	}
	m.Known(append(verbs(), companions()...)...)
}

// doing reads the verb that was found.
func (c *compiler) doing(m *syntax.Mapping, s *plan.Step, verb string, at surroundings) {
	switch verb {
	case "uses":
		s.Uses = c.uses(m, at)
		s.While = c.while(m, s.Uses, at)
	case "parallel":
		at.together = true
		s.Parallel = c.branches(c.ordered(m, c.filled(m, "parallel")), at)
	case "foreach":
		s.Foreach = c.foreach(m, s.OnError, at)
	case "switch":
		s.Switch = c.choice(m, s, at)
	case "wait":
		s.Wait, s.Output = c.wait(m, at.place), waitOutput
	case "approve":
		s.Approve, s.Output = c.approve(m.Map("approve"), at.place), approveOutput
	case "set":
		s.Set, s.Output = c.set(m.Map("set"), at.place)
		c.soil(s.Path, c.dirtyEntries(s.Set))
	case "call":
		s.Call, s.Output = c.call(m.Map("call"), at)
	case "rollback":
		s.Rollback, s.Output = c.rollback(m, at), rollbackOutput
	case "stop":
		s.Stop = c.stop(m, at)
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

// filled reads a list of steps that must not be empty.
func (c *compiler) filled(m *syntax.Mapping, key string) []*syntax.Node {
	list := m.List(key)
	if n := m.Optional(key); len(list) == 0 && n != nil && n.Kind == syntax.List {
		c.reader.Report(n, "empty", "%q is empty", key)
	}
	return list
}

func anything() activities.Type { return activities.Type{Kind: activities.Any} }

func text() activities.Type { return activities.Type{Kind: activities.String} }
