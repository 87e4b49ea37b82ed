package compile

import (
	"time"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

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
	c.plan.Dedup.OnDuplicate = plan.OnDuplicate(m.OneOf("onDuplicate", string(plan.Join), string(plan.Drop), string(plan.New)))
	c.plan.Dedup.ReopenWithin = m.Duration("reopenWithin", time.Minute, maxWait)
	m.Done()
}
