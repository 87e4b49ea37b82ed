package compile

import (
	"slices"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

const byVolatility = "volatility"

// ordered puts a block's captures in the order of volatility (RFC 3227), where the step asks for it: what is gone sooner
// is taken first, and captures of one rank stay as they are written.
func (c *compiler) ordered(m *syntax.Mapping, list []*syntax.Node) []*syntax.Node {
	if n := m.Node().Get("order"); n == nil || n.Text != byVolatility {
		return list
	}
	for _, step := range list {
		c.hasRank(step)
	}
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b *syntax.Node) int { return int(c.rank(a) - c.rank(b)) })
	return list
}

// together refuses an order among steps that all begin at once.
func (c *compiler) together(m *syntax.Mapping, verb string, sorted bool) {
	if verb == "parallel" && sorted {
		c.reader.Report(m.Optional("order"), "order",
			"the branches of a parallel begin together, so the most volatile is not taken first; put the captures one after the other, or remove this line")
	}
}

// rank is a step's place in the order; what has none stays behind the others.
func (c *compiler) rank(step *syntax.Node) activities.Rank {
	if d, ok := c.catalog.Find(usedBy(step)); ok && d.Effect == activities.Capture && d.Volatility != activities.NoRank {
		return d.Volatility
	}
	return activities.Unvolatile + 1
}

// hasRank reports a step that has no place in the order.
func (c *compiler) hasRank(step *syntax.Node) {
	name := usedBy(step)
	d, known := c.catalog.Find(name)
	switch {
	case step.Kind != syntax.Map || name != "" && !known: // reported elsewhere
	case name == "":
		c.reader.Report(step, "order", "\"order: volatility\" is for captures alone, and this step uses no activity; take it out of the block")
	case d.Effect != activities.Capture:
		c.reader.Report(step.Get("uses"), "order", "\"order: volatility\" is for captures alone, and %s has the effect %s; take it out of the block", name, d.Effect)
	case d.Volatility == activities.NoRank:
		c.reader.Report(step.Get("uses"), "order", "%s declares no volatility, so it has no place in the order; take it out of the block", name)
	}
}

func usedBy(step *syntax.Node) string {
	if n := step.Get("uses"); n != nil {
		return n.Text
	}
	return ""
}
