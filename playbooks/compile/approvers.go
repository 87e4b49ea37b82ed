package compile

import (
	"time"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// maxQuorum is the most people that a circle can want.
const maxQuorum = 20

// approvers reads the circles of people who may decide.
func (c *compiler) approvers(n *syntax.Node) {
	m := c.reader.Map(n, `"approvers"`)
	if m.Node() == nil {
		return
	}
	for _, e := range m.Node().Entries {
		if !circleName().MatchString(e.Key.Text) {
			c.reader.Report(e.Key, "approver", "the name %q must be small letters, digits and dashes, and begin with a letter", e.Key.Text)
			continue
		}
		c.plan.Approvers = append(c.plan.Approvers, c.circle(e.Key, c.reader.Map(e.Value, "approvers "+e.Key.Text)))
	}
}

func (c *compiler) circle(name *syntax.Node, m *syntax.Mapping) plan.Approver {
	a := plan.Approver{Name: name.Text, Groups: m.Texts("groups"), Subjects: m.Texts("subjects"), Quorum: 1, NotRequester: m.Bool("notRequester")}
	if m.Has("quorum") {
		a.Quorum = m.Int("quorum", 1, maxQuorum)
	}
	switch {
	case len(a.Groups) == 0 && len(a.Subjects) == 0:
		c.reader.Report(name, "approver", "nobody belongs to the approvers %q; give groups: [...] or subjects: [...]", a.Name)
	case len(a.Groups) == 0 && len(a.Subjects) < a.Quorum:
		c.reader.Report(m.Optional("quorum"), "approver", "a quorum of %d is never reached by %d people", a.Quorum, len(a.Subjects))
	}
	m.Done()
	return a
}

// slo reads how long after the alert each phase is to be through.
func (c *compiler) slo(m *syntax.Mapping) {
	for _, phase := range plan.Phases() {
		if d := m.Duration(phase, time.Second, maxWait); d > 0 {
			c.plan.SLO = append(c.plan.SLO, plan.Objective{Phase: phase, Within: d})
		}
	}
	for i := 1; i < len(c.plan.SLO); i++ {
		before, now := c.plan.SLO[i-1], c.plan.SLO[i]
		if now.Within < before.Within {
			c.reader.Report(m.Optional(now.Phase), "slo", "%s (%s) cannot be through before %s (%s), the phase before it",
				now.Phase, syntax.Short(now.Within), before.Phase, syntax.Short(before.Within))
		}
	}
	m.Done()
}
