package compile

import (
	"time"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// defaults is what a step takes when it says nothing itself.
type defaults struct {
	timeout time.Duration // zero: the activity's own
	retry   plan.Retry
	onError plan.OnError
}

// Limits of what a playbook may ask for: a typo such as 5m0000s must not become a week of silence.
const (
	maxTimeout  = 7 * 24 * time.Hour
	maxAttempts = 1000
)

func (c *compiler) defaults(m *syntax.Mapping) defaults {
	d := defaults{
		retry:   plan.Retry{Attempts: 5, Initial: time.Second, Backoff: 2, Max: 30 * time.Second},
		onError: plan.Hold,
	}
	d.timeout = m.Duration("timeout", time.Second, maxTimeout)
	d.retry = c.retry(m.Map("retry"), d.retry, place{})
	d.onError = c.onError(m, d.onError)
	m.Done()
	return d
}

func (c *compiler) onError(m *syntax.Mapping, otherwise plan.OnError) plan.OnError {
	if word := m.OneOf("onError", string(plan.Hold), string(plan.Continue), string(plan.Fail), string(plan.RollBack)); word != "" {
		return plan.OnError(word)
	}
	return otherwise
}

// passedOver refuses a rollback that the foreach around would not let happen.
func (c *compiler) passedOver(m *syntax.Mapping, onError plan.OnError, at surroundings) {
	if n := m.Optional("onError"); n != nil && onError == plan.RollBack && at.passing {
		c.reader.Report(n, "onError",
			"the foreach around passes over failed items (\"onError: continue\"), so nothing would be rolled back; let the foreach roll back, or this step fail")
	}
}

// retry reads a retry policy; what it does not say comes from the one around it.
func (c *compiler) retry(m *syntax.Mapping, r plan.Retry, p place) plan.Retry {
	if m.Node() == nil {
		return r
	}
	if m.Has("attempts") {
		r.Attempts = m.Int("attempts", 1, maxAttempts)
	}
	if m.Has("initial") {
		r.Initial = m.Duration("initial", time.Millisecond, time.Hour)
	}
	if m.Has("backoff") {
		r.Backoff = m.Number("backoff", 1, 10)
	}
	if m.Has("max") {
		r.Max = m.Duration("max", time.Millisecond, 24*time.Hour)
	}
	if m.Has("never") {
		r.Never = c.kinds(m)
	}
	if r.Max < r.Initial {
		if m.Has("max") {
			c.reader.Report(m.Node(), "retry", "\"max\" (%s) is shorter than \"initial\" (%s)", syntax.Short(r.Max), syntax.Short(r.Initial))
		}
		r.Max = r.Initial
	}
	if m.Has("jitter") {
		r.Jitter = m.Number("jitter", 0, 1)
	}
	if n := m.Optional("when"); n != nil {
		expr, _, _ := c.conditionFacts(n, c.special(p, plan.ErrorVar))
		r.When = &expr
	}
	m.Done()
	return r
}

// kinds reads the failures that are final. Those that no retry mends may be named too: they are final anyway.
func (c *compiler) kinds(m *syntax.Mapping) []string {
	known := []string{
		plan.Temporary, plan.Throttled, plan.Timeout,
		string(activities.Forbidden), string(activities.InvalidInput), string(activities.NotFound), string(activities.Conflict),
		string(activities.GuardTripped), string(activities.Corrupt), string(activities.Unsupported),
	}
	for _, item := range m.List("never") {
		if item.Kind == syntax.Text && syntax.Nearest(item.Text, known) != item.Text {
			c.reader.Report(item, "value", "%q is no kind of failure%s", item.Text, syntax.DidYouMean(item.Text, known))
		}
	}
	return m.Texts("never")
}
