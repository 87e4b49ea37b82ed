package compile

import (
	"regexp"
	"slices"
	"strings"

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

// idempotencyKey reads the key under which the activity does its work once. One key for all items of a foreach would make
// the work of one item of them all.
func (c *compiler) idempotencyKey(m *syntax.Mapping, at surroundings) *plan.Value {
	n := m.Optional("idempotencyKey")
	if n == nil {
		return nil
	}
	key := c.template(n, text(), `"idempotencyKey"`, at.place)
	items := at.items()
	switch {
	case m.Has("while"):
		c.reader.Report(n, "idempotencyKey", "every round of a while is a call of its own, but this gives all of them one key; remove it")
	case at.loop != "" && len(items) > 0 && !c.reads(key, items[len(items)-1], at.loop):
		c.reader.Report(n, "idempotencyKey", "the key is the same for every item of the foreach, so only the first would be done; put %q into it",
			items[len(items)-1])
	}
	return &key
}

// reads tells whether a template reads the item of a foreach, or a step inside of it.
func (c *compiler) reads(v plan.Value, item, loop string) bool {
	ofItem := regexp.MustCompile(`\b` + regexp.QuoteMeta(item) + `\b`)
	ofStep := regexp.MustCompile(`\bsteps\.(\w+)`)
	inside := func(m []string) bool { return strings.HasPrefix(c.paths[m[1]], loop+"/") }
	reads := func(e *plan.Expr) bool {
		return e != nil && (ofItem.MatchString(e.Source) || slices.ContainsFunc(ofStep.FindAllStringSubmatch(e.Source, -1), inside))
	}
	return reads(v.Expr) || slices.ContainsFunc(v.Text, func(p plan.Part) bool { return reads(p.Expr) })
}
