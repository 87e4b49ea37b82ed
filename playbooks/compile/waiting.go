package compile

import (
	"time"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// Limits of what is repeated and waited for.
const (
	maxRounds = 1000
	maxWait   = 90 * 24 * time.Hour
)

const waitOutput = "{met: boolean, seconds: integer}"

// while reads what repeats an activity until a condition on its output holds.
func (c *compiler) while(m *syntax.Mapping, u *plan.Uses, at surroundings) *plan.While {
	if !m.Has("while") {
		return nil
	}
	head := m.Map("while")
	w := &plan.While{}
	if n := head.Required("until"); n != nil {
		output, known := c.out[u.Activity]
		if !known {
			output = anything()
		}
		w.Until, _, _ = c.conditionFacts(n, at.seeing(plan.OutputVar, c.types.celType(output)))
	}
	if head.Required("max") != nil {
		w.Max = head.Int("max", 1, maxRounds)
	}
	w.Every = head.Duration("every", time.Second, 24*time.Hour)
	head.Done()
	if u.Effect == activities.Destroy {
		c.reader.Report(m.Optional("while"), "while", "%s destroys, and what destroys is not repeated; repeat a step that looks", u.Activity)
	}
	return w
}

// wait reads a time alone, or a condition that signals and further alerts can make true.
func (c *compiler) wait(m *syntax.Mapping, p place) *plan.Wait {
	n := m.Required("wait")
	if n.Kind != syntax.Map {
		return &plan.Wait{For: m.Duration("wait", time.Second, maxWait)}
	}
	head := m.Map("wait")
	w := &plan.Wait{For: head.Duration("for", time.Second, maxWait)}
	if until := head.Optional("until"); until != nil {
		expr, _, _ := c.conditionFacts(until, c.special(p, plan.SignalsVar))
		w.Until = &expr
	}
	w.OnTimeout = head.OneOf("onTimeout", string(plan.Continue), string(plan.Fail))
	switch {
	case !head.Has("for") && !head.Has("until"):
		c.reader.Report(n, "missing-key", "\"wait\" needs a time, a condition, or both: wait: {until: …, for: 1h}")
	case head.Has("onTimeout") && (!head.Has("for") || !head.Has("until")):
		c.reader.Report(head.Optional("onTimeout"), "wait", "\"onTimeout\" is for a condition that does not hold in time; it needs \"until\" and \"for\"")
	}
	head.Done()
	return w
}
