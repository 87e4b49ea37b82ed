package compile

import (
	"slices"
	"strings"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// mapped are the fields of an alert that a CloudEvent can be mapped to.
func mapped() []string {
	return []string{
		"rule", "priority", "summary", "time", "target.namespace", "target.pod", "target.owner", "target.container",
		"target.containerID", "target.image", "target.node", "target.processName", "target.processParent",
	}
}

func (c *compiler) cloudEvents(m *syntax.Mapping) *plan.CloudEventsTrigger {
	t := &plan.CloudEventsTrigger{Types: m.Texts("types"), Source: m.Text("source"), When: c.whenAlert(m)}
	table := m.Map("map")
	if n := table.Node(); n != nil {
		for _, e := range n.Entries {
			if !slices.Contains(mapped(), e.Key.Text) {
				c.reader.Report(e.Key, "unknown-field", "an alert has no field %q%s", e.Key.Text, syntax.DidYouMean(e.Key.Text, mapped()))
				continue
			}
			t.Map = append(t.Map, plan.Entry{Key: e.Key.Text, Value: c.eventField(e.Value)})
		}
	}
	m.Done()
	return t
}

// eventField reads an expression on `event`, which is all that a mapping sees.
func (c *compiler) eventField(n *syntax.Node) plan.Value {
	if strings.HasPrefix(strings.TrimSpace(n.Text), opening) {
		c.reader.Report(n, "expression", "write the expression bare here, without ${{ and }}")
		return plan.Value{}
	}
	expr, _, _ := c.expression(n, place{alertOnly: true, vars: c.special(place{}, plan.EventVar).vars})
	return plan.Value{Expr: &expr}
}
