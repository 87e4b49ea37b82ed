package compile

import (
	"regexp"
	"slices"
	"time"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// most is the largest number of targets or runs that a guard can name.
const most = 100_000

func circleName() *regexp.Regexp { return regexp.MustCompile(`^[a-z][a-z0-9-]{0,39}$`) }

// guards reads what bounds the changes of a run.
func (c *compiler) guards(m *syntax.Mapping) {
	if m.Node() == nil {
		return
	}
	g := &plan.Guards{OnTrip: string(plan.Fail)}
	targets := m.Map("maxTargets")
	g.Pods, g.Nodes = targets.Int("pods", 1, most), targets.Int("nodes", 1, most)
	g.NodePercent = targets.Int("nodePercent", 1, 100)
	targets.Done()
	c.protect(m.Map("protect"), &g.Protect)
	g.Rate = c.rate(m.Map("rate"))
	if n := m.Optional("lock"); n != nil {
		lock := c.template(n, text(), `"lock"`, place{})
		g.Lock = &lock
	}
	if word := m.OneOf("onTrip", "approve", string(plan.Fail)); word != "" {
		g.OnTrip = word
	}
	g.From = c.askedByGuards(m, g.OnTrip)
	m.Done()
	c.plan.Guards = g
}

func (c *compiler) protect(m *syntax.Mapping, p *plan.Protect) {
	for _, n := range m.List("namespaces") {
		name := c.reader.Text(n, "an item of \"namespaces\"")
		if name != "" && !regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`).MatchString(name) {
			c.reader.Report(n, "value", "%q is no name of a namespace", name)
		}
		p.Namespaces = append(p.Namespaces, name)
	}
	if n := m.Optional("when"); n != nil {
		if expr, ok := c.condition(n, c.special(place{}, plan.TargetVar)); ok {
			p.When = &expr
		}
	}
	p.OpenControlPlane = m.Bool("openControlPlane")
	m.Done()
}

func (c *compiler) rate(m *syntax.Mapping) *plan.Rate {
	if m.Node() == nil {
		return nil
	}
	r := &plan.Rate{Scope: "cluster"}
	if m.Required("runs") != nil {
		r.Runs = m.Int("runs", 1, most)
	}
	if m.Required("per") != nil {
		r.Per = m.Duration("per", time.Minute, 31*24*time.Hour)
	}
	if word := m.OneOf("scope", "cluster", "playbook"); word != "" {
		r.Scope = word
	}
	m.Done()
	return r
}

// askedByGuards reads whom a tripped guard asks.
func (c *compiler) askedByGuards(m *syntax.Mapping, onTrip string) []string {
	var names []string
	for _, a := range c.plan.Approvers {
		names = append(names, a.Name)
	}
	from := m.Texts("from")
	for _, n := range m.List("from") {
		if n.Kind == syntax.Text && !slices.Contains(names, n.Text) {
			c.reader.Report(n, "approver", "there are no approvers %q%s", n.Text, syntax.DidYouMean(n.Text, names))
		}
	}
	switch {
	case onTrip == "approve" && len(names) == 0:
		c.reader.Report(m.Optional("onTrip"), "approver", "a tripped guard asks people, but the playbook has no approvers; name them: approvers: {ir-lead: {groups: [...]}}")
	case onTrip != "approve" && len(from) > 0:
		c.reader.Report(m.Optional("from"), "guard", "a tripped guard fails and asks nobody; add onTrip: approve, or remove \"from\"")
	}
	return from
}
