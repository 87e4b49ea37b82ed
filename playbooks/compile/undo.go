package compile

import (
	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// undo reads what takes a change back instead of the activity's own undo.
func (c *compiler) undo(m *syntax.Mapping, d activities.Definition, at surroundings) *plan.Undo {
	n := m.Optional("undo")
	if n == nil {
		return nil
	}
	if d.Effect != activities.Change {
		c.reader.Report(n, "undo", "%s has the effect %s, and only a change is taken back; remove this", d.Name, d.Effect)
	}
	if n.Kind == syntax.Text && n.Text == "none" {
		return &plan.Undo{}
	}
	if n.Kind != syntax.Map && n.Kind != syntax.Broken {
		c.reader.Report(n, "undo", "\"undo\" is none, or an activity: undo: {uses: …, with: {…}}")
		return nil
	}
	return c.undoing(m.Map("undo"), at)
}

func (c *compiler) undoing(m *syntax.Mapping, at surroundings) *plan.Undo {
	name, n := m.RequiredText("uses"), m.Optional("uses")
	if n == nil {
		m.Known("with", "timeout")
		m.Done()
		return nil
	}
	u := &plan.Undo{Activity: name}
	d, in, ok := c.activity(n, u.Activity)
	u.With = c.with(m, in, u.Activity, at.place)
	switch {
	case !ok:
		m.Known("timeout")
	case d.Effect == activities.Destroy:
		c.reader.Report(n, "undo", "%s destroys, and an undo must not; take an activity that puts the target back", u.Activity)
		m.Known("timeout")
	default:
		u.Effect, u.Place, u.Targets, u.Timeout = d.Effect, d.Place, targets(d), c.timeout(m, d, at)
	}
	m.Done()
	return u
}
