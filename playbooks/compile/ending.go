package compile

import (
	"regexp"
	"slices"
	"strings"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

const rollbackOutput = "{undone: integer, failed: integer}"

// rollback reads what takes back all changes so far.
func (c *compiler) rollback(m *syntax.Mapping, at surroundings) *plan.Rollback {
	n := m.Required("rollback")
	if at.together {
		c.reader.Report(n, "rollback", "steps that run at the same time may be making changes while this takes them back; move it behind them")
	}
	head := m.Map("rollback")
	r := &plan.Rollback{}
	if why := head.Required("reason"); why != nil {
		r.Reason = c.template(why, text(), `"reason"`, at.place)
	}
	head.Done()
	return r
}

// endings are the outcomes that say how the engine ended a run; no playbook may claim them.
func endings() []string { return []string{"failed", "canceled", "aborted", "rehearsed", "rolled_back"} }

// stop reads what ends the run with an outcome.
func (c *compiler) stop(m *syntax.Mapping, at surroundings) *plan.Stop {
	n := m.Required("stop")
	if at.closing {
		c.reader.Report(n, "stop", "\"finally\" runs when the run has ended already, so there is nothing to stop; remove it")
	}
	head := m.Map("stop")
	s := &plan.Stop{Outcome: head.RequiredText("outcome")}
	word := head.Optional("outcome")
	switch {
	case s.Outcome == "":
	case !regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`).MatchString(s.Outcome):
		c.reader.Report(word, "outcome", "the outcome %q must be small letters, digits and underscores, and begin with a letter", s.Outcome)
	case slices.Contains(endings(), s.Outcome):
		c.reader.Report(word, "outcome", "no playbook can claim the outcome %q, nor %s; choose a word of your own", s.Outcome,
			strings.Join(slices.DeleteFunc(endings(), func(w string) bool { return w == s.Outcome }), ", "))
	}
	if why := head.Optional("reason"); why != nil {
		reason := c.template(why, text(), `"reason"`, at.place)
		s.Reason = &reason
	}
	head.Done()
	return s
}
