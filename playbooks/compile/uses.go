package compile

import (
	"time"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

func (c *compiler) uses(m *syntax.Mapping, at surroundings) *plan.Uses {
	name, n := m.RequiredText("uses"), m.Optional("uses")
	d, in, ok := c.activity(n, name)
	if !ok {
		c.with(m, in, "with", at.place)
		m.Known("retry", "timeout", "heartbeat", "undo", "idempotencyKey")
		return &plan.Uses{Activity: name}
	}
	if d.Effect == activities.Destroy {
		c.destroying = append(c.destroying, destruction{n, at.path, name})
	}
	return &plan.Uses{
		Activity: name, Effect: d.Effect, Place: d.Place, Undoable: d.Undo != nil, Targets: targets(d),
		With:      c.with(m, in, name, at.place),
		Retry:     c.retry(m.Map("retry"), at.retry, at.place),
		Timeout:   c.timeout(m, d, at),
		Heartbeat: c.heartbeat(m, d),
		Undo:      c.undo(m, d, at),
		Key:       c.idempotencyKey(m, at),
	}
}

// activity finds an activity and the type of its input. Of one that is not there nothing is known, after a problem.
func (c *compiler) activity(n *syntax.Node, name string) (activities.Definition, activities.Type, bool) {
	d, ok := c.catalog.Find(name)
	if !ok {
		if name != "" {
			c.reader.Report(n, "unknown-activity", "there is no activity %q%s", name, syntax.DidYouMean(name, c.activityNames()))
		}
		return d, anything(), false
	}
	in, ok := c.declare(n, d)
	if !ok {
		in = anything()
	}
	return d, in, ok
}

func (c *compiler) activityNames() []string {
	var out []string
	for _, d := range c.catalog.All() {
		out = append(out, d.Name)
	}
	return out
}

// declare reads the types of an activity, once.
func (c *compiler) declare(n *syntax.Node, d activities.Definition) (activities.Type, bool) {
	if in, ok := c.in[d.Name]; ok {
		return in, true
	}
	in, err := c.options.Types.of(d.In)
	if err == nil {
		c.out[d.Name], err = c.options.Types.of(d.Out)
	}
	if err != nil {
		delete(c.out, d.Name)
		c.reader.Report(n, "internal", "activity %q has a type that playbooks cannot use: %v", d.Name, err)
		return in, false
	}
	c.in[d.Name] = in
	return in, true
}

func (c *compiler) with(m *syntax.Mapping, in activities.Type, name string, p place) plan.Value {
	n := m.Optional("with")
	if n != nil && n.Kind != syntax.Map && n.Kind != syntax.Broken {
		c.reader.Report(n, "type", "\"with\" must be a map, not %s", n.Kind)
		return plan.Value{}
	}
	if n == nil {
		n = &syntax.Node{Position: m.Optional("uses").Position, Kind: syntax.Map}
	}
	return c.template(n, in, name, p)
}

// longActivity is how long an activity may declare to need before a shorter default timeout is taken for a mistake.
const longActivity = 10 * time.Minute

func (c *compiler) timeout(m *syntax.Mapping, d activities.Definition, at surroundings) time.Duration {
	if m.Has("timeout") {
		return m.Duration("timeout", time.Second, maxTimeout)
	}
	switch {
	case at.timeout == 0 && d.Timeout == 0:
		c.reader.Report(m.Optional("uses"), "timeout", "%s has no timeout of its own; give one: timeout: 5m", d.Name)
	case at.timeout == 0:
		return d.Timeout
	case d.Timeout > longActivity && at.timeout < d.Timeout:
		c.reader.Report(m.Optional("uses"), "timeout", "%s may need up to %s, but the default timeout is %s; give this step its own: timeout: %s",
			d.Name, syntax.Short(d.Timeout), syntax.Short(at.timeout), syntax.Short(d.Timeout))
	}
	return at.timeout
}

func (c *compiler) heartbeat(m *syntax.Mapping, d activities.Definition) time.Duration {
	n := m.Optional("heartbeat")
	if n == nil {
		return d.Heartbeat
	}
	beat := m.Duration("heartbeat", time.Second, time.Hour)
	if d.Heartbeat == 0 {
		c.reader.Report(n, "heartbeat", "%s reports no progress, so waiting for it would always fail; remove this line", d.Name)
	}
	return beat
}
