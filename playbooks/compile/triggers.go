package compile

import (
	"slices"
	"strings"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// sources are the keys of which a trigger has exactly one.
func sources() []string { return []string{"falco", "alertmanager", "cloudevents", "schedule"} }

func (c *compiler) triggers(list []*syntax.Node) {
	seen := map[string]syntax.Position{}
	for _, n := range list {
		m := c.reader.Map(n, "a trigger")
		t := plan.Trigger{ID: m.RequiredText("id"), Pos: position(n.Position)}
		if first, twice := seen[t.ID]; twice && t.ID != "" {
			c.reader.Report(m.Optional("id"), "duplicate-id", "trigger %q is there twice; the first is in line %d", t.ID, first.Line)
		}
		if t.ID != "" && !circleName().MatchString(t.ID) {
			c.reader.Report(m.Optional("id"), "id", "the id %q must be small letters, digits and dashes, and begin with a letter", t.ID)
		}
		seen[t.ID] = n.Position
		c.source(m, &t)
		m.Done()
		c.plan.Triggers = append(c.plan.Triggers, t)
	}
}

// source reads the one source of a trigger.
func (c *compiler) source(m *syntax.Mapping, t *plan.Trigger) {
	n := m.Node()
	found := slices.DeleteFunc(sources(), func(key string) bool { return n.Get(key) == nil })
	switch {
	case n.Kind != syntax.Map:
		return
	case len(found) == 0:
		c.reader.Report(n, "trigger", "the trigger needs a source: one of %s", strings.Join(sources(), ", "))
	case len(found) > 1:
		c.reader.Report(n, "trigger", "a trigger has one source, but this one has %s; make it %d triggers", strings.Join(found, " and "), len(found))
	}
	if m.Has("falco") {
		t.Falco = c.falco(m.Map("falco"))
	}
	if m.Has("alertmanager") {
		t.Alertmanager = c.alertmanager(m.Map("alertmanager"))
	}
	if m.Has("cloudevents") {
		t.CloudEvents = c.cloudEvents(m.Map("cloudevents"))
	}
	if m.Has("schedule") {
		t.Schedule = c.schedule(m.Map("schedule"))
	}
	c.drill(m, t)
}

func (c *compiler) falco(m *syntax.Mapping) *plan.FalcoTrigger {
	t := &plan.FalcoTrigger{
		MinPriority: m.OneOf("minPriority", plan.Priorities()...),
		Rules:       m.Texts("rules"),
		When:        c.whenAlert(m),
	}
	m.Done()
	return t
}

// whenAlert reads a condition on the alert.
func (c *compiler) whenAlert(m *syntax.Mapping) *plan.Expr {
	n := m.Optional("when")
	if n == nil {
		return nil
	}
	expr, ok := c.condition(n, onAlert())
	if !ok {
		return nil
	}
	return &expr
}
