package compile

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

func (c *compiler) alertmanager(m *syntax.Mapping) *plan.AlertmanagerTrigger {
	t := &plan.AlertmanagerTrigger{When: c.whenAlert(m)}
	for _, n := range m.List("matchers") {
		if matcher, ok := c.matcher(n); ok {
			t.Matchers = append(t.Matchers, matcher)
		}
	}
	m.Done()
	return t
}

// matcher reads one comparison of a label, written as Alertmanager writes them: severity="critical".
func (c *compiler) matcher(n *syntax.Node) (plan.Matcher, bool) {
	source := c.reader.Text(n, "an item of \"matchers\"")
	if source == "" {
		return plan.Matcher{}, false
	}
	parts := regexp.MustCompile(`^\s*([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(=~|!~|!=|=)\s*(.*?)\s*$`).FindStringSubmatch(source)
	if parts == nil {
		c.reader.Report(n, "matcher", "%q is no matcher; write a label, one of =, !=, =~, !~ and a value, such as severity=\"critical\"", source)
		return plan.Matcher{}, false
	}
	out := plan.Matcher{Label: parts[1], Op: parts[2], Value: parts[3]}
	if strings.HasPrefix(out.Value, `"`) {
		value, err := strconv.Unquote(out.Value)
		if err != nil {
			c.reader.Report(n, "matcher", "the value of %q has no end or a wrong escape; write it as %s%s\"…\"", source, out.Label, out.Op)
			return plan.Matcher{}, false
		}
		out.Value = value
	} else if strings.ContainsAny(out.Value, "{}!=~,\\\"'` \t\n") {
		c.reader.Report(n, "matcher", "the value of %q must stand in double quotes: %s%s%q", source, out.Label, out.Op, strings.Trim(out.Value, "'`"))
		return plan.Matcher{}, false
	}
	if strings.HasSuffix(out.Op, "~") {
		if _, err := regexp.Compile(out.Value); err != nil {
			c.reader.Report(n, "matcher", "%q is no regular expression: %s", out.Value, strings.TrimPrefix(err.Error(), "error parsing regexp: "))
			return plan.Matcher{}, false
		}
	}
	return out, true
}
