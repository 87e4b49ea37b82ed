package compile

import (
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

func (c *compiler) triggers(list []*syntax.Node) {
	seen := map[string]syntax.Position{}
	for _, n := range list {
		m := c.reader.Map(n, "a trigger")
		t := plan.Trigger{ID: m.RequiredText("id"), Pos: position(n.Position)}
		if first, twice := seen[t.ID]; twice && t.ID != "" {
			c.reader.Report(m.Optional("id"), "duplicate-id", "trigger %q is there twice; the first is in line %d", t.ID, first.Line)
		}
		seen[t.ID] = n.Position
		c.refuse(m, widerTrigger())
		if falco := m.Optional("falco"); falco != nil {
			t.Falco = c.falco(c.reader.Map(falco, `"falco"`))
			c.plan.Triggers = append(c.plan.Triggers, t)
		} else if n.Kind == syntax.Map && !hasAny(n, widerTrigger()) {
			c.reader.Report(n, "trigger", "the trigger needs a source: falco")
		}
		m.Done()
	}
}

func (c *compiler) falco(m *syntax.Mapping) *plan.FalcoTrigger {
	t := &plan.FalcoTrigger{
		MinPriority: m.OneOf("minPriority", plan.Priorities()...),
		Rules:       m.Texts("rules"),
	}
	if n := m.Optional("when"); n != nil {
		if expr, ok := c.condition(n, onAlert()); ok {
			t.When = &expr
		}
	}
	m.Done()
	return t
}

// defaultKey makes one case of the alerts of one rule about one pod. Where the source knows no pod, the node and the
// container stand after the two empty places, so that no pod's name can pass for them.
const defaultKey = "alert.cluster + '/' + alert.target.namespace + '/' + alert.target.pod + '/' + " +
	"(alert.target.pod == '' ? alert.target.node + '/' + alert.target.containerID + '/' : '') + alert.rule"

func (c *compiler) dedup(top *syntax.Mapping) {
	m := top.Map("dedup")
	if m.Node() == nil {
		if triggers := top.Optional("triggers"); triggers != nil {
			c.reader.Report(triggers, "missing-key", "a playbook with triggers needs \"dedup: {key: …}\", which says which alerts are one case")
		}
		c.plan.Dedup.Key = plan.Expr{Source: defaultKey}
		return
	}
	if n := m.Required("key"); n != nil {
		expr, t, ok := c.expression(n, onAlert())
		if ok && !isText(t) {
			c.reader.Report(n, "type", "the dedup key must be text, not %s; wrap it in string(…)", c.types.describe(t))
		}
		c.plan.Dedup.Key = expr
	}
	c.refuse(m, []string{"onDuplicate", "reopenWithin"})
	m.Done()
}
