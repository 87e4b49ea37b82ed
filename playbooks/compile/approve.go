package compile

import (
	"regexp"
	"slices"
	"time"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

const approveOutput = "{choice: string, by: string, comment: string, hash: string, automatic: string, at: time, " +
	"votes: [{by: string, choice: string, comment: string, at: time}]}"

// approve reads a question to people.
func (c *compiler) approve(m *syntax.Mapping, p place) *plan.Approve {
	a := &plan.Approve{Choices: c.choices(m), From: c.approver(m, "from")}
	if n := m.Required("title"); n != nil {
		a.Title = c.template(n, text(), `"title"`, p)
	}
	for _, n := range m.List("show") {
		if expr, _, ok := c.expression(n, c.special(p, plan.PlanVar)); ok {
			a.Show = append(a.Show, expr)
		}
	}
	a.Timeout = m.Duration("timeout", time.Second, maxWait)
	a.Remind = c.within(m, "remind", a.Timeout)
	a.Escalate = c.escalations(m, a.Timeout)
	a.OnTimeout = c.onTimeout(m, a.Choices)
	if n := m.Optional("skipWhen"); n != nil {
		expr, _, _ := c.conditionFacts(n, p)
		a.SkipWhen = &expr
	}
	if m.Has("onDrill") {
		a.OnDrill = m.OneOf("onDrill", a.Choices...)
	}
	m.Done()
	return a
}

// choices reads what can be answered. Two of the words mean something else where a time is up.
func (c *compiler) choices(m *syntax.Mapping) []string {
	if !m.Has("choices") {
		return []string{"approve", "reject"}
	}
	form := regexp.MustCompile(`^[a-z][a-z0-9_-]{0,39}$`)
	var out []string
	for _, n := range m.List("choices") {
		word := c.reader.Text(n, "an item of \"choices\"")
		switch {
		case n.Kind != syntax.Text:
			continue
		case !form.MatchString(word):
			c.reader.Report(n, "choice", "the choice %q must be small letters, digits, dashes and underscores, and begin with a letter", word)
		case word == string(plan.Hold) || word == string(plan.Fail):
			c.reader.Report(n, "choice", "no choice can be called %q, which \"onTimeout\" needs; choose another word", word)
			continue
		case slices.Contains(out, word):
			c.reader.Report(n, "choice", "the choice %q is there twice; remove one", word)
			continue
		}
		out = append(out, word)
	}
	if n := m.Optional("choices"); n.Kind == syntax.List && len(n.Items) < 2 {
		c.reader.Report(n, "choice", "an approval needs at least two choices; left out they are [approve, reject]")
	}
	return out
}

// approver reads the name of a circle of approvers.
func (c *compiler) approver(m *syntax.Mapping, key string) string {
	name, n := m.RequiredText(key), m.Optional(key)
	if name == "" {
		return ""
	}
	var names []string
	for _, a := range c.plan.Approvers {
		names = append(names, a.Name)
	}
	switch {
	case slices.Contains(names, name):
	case len(names) == 0:
		c.reader.Report(n, "approver", "the playbook has no approvers; name those of %q at the top: approvers: {%s: {groups: [...]}}", name, name)
	default:
		c.reader.Report(n, "approver", "there are no approvers %q%s", name, syntax.DidYouMean(name, names))
	}
	return name
}

// within reads a time that must be shorter than the approval's own.
func (c *compiler) within(m *syntax.Mapping, key string, most time.Duration) time.Duration {
	d := m.Duration(key, time.Second, maxWait)
	if d > 0 && most > 0 && d >= most {
		c.reader.Report(m.Optional(key), "duration", "%q (%s) must be shorter than the approval's \"timeout\" (%s), or it never comes to it",
			key, syntax.Short(d), syntax.Short(most))
	}
	return d
}

func (c *compiler) escalations(m *syntax.Mapping, most time.Duration) []plan.Escalation {
	var out []plan.Escalation
	for _, n := range m.List("escalate") {
		one := c.reader.Map(n, "an escalation")
		one.Required("after")
		out = append(out, plan.Escalation{After: c.within(one, "after", most), To: c.approver(one, "to")})
		one.Done()
	}
	slices.SortStableFunc(out, func(a, b plan.Escalation) int { return int(a.After - b.After) })
	return out
}

// onTimeout reads what becomes of an approval that nobody decides; without a word it holds.
func (c *compiler) onTimeout(m *syntax.Mapping, choices []string) string {
	n := m.Optional("onTimeout")
	switch {
	case n == nil && m.Has("timeout"):
		return string(plan.Hold)
	case n != nil && !m.Has("timeout"):
		c.reader.Report(n, "approve", "without a \"timeout\" the approval waits for ever and \"onTimeout\" never counts; add a timeout or remove this")
	}
	return m.OneOf("onTimeout", slices.Concat(choices, []string{string(plan.Hold), string(plan.Fail)})...)
}
