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

// engineWords are the outcomes and states that the engine gives a case, and those that read like them. The lists show them
// in the place of a playbook's outcome, so no playbook may claim them: a case that is closed would pass for an open one, and
// one that changed nothing for a contained one.
func engineWords() []string {
	return []string{
		"contained", "partly_contained", "completed", "rehearsed", "failed", "canceled", "cancelled", "aborted",
		"rolled_back", "partly_rolled_back", "undone", "partly_undone", "open", "running", "held", "asks",
	}
}

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
	case slices.Contains(engineWords(), s.Outcome):
		c.reader.Report(word, "outcome", "no playbook can claim the outcome %q, which is the engine's, as are %s; say why the run stops, such as \"false_positive\" or \"not_ours\"",
			s.Outcome, strings.Join(slices.DeleteFunc(engineWords(), func(w string) bool { return w == s.Outcome }), ", "))
	}
	if why := head.Optional("reason"); why != nil {
		reason := c.template(why, text(), `"reason"`, at.place)
		s.Reason = &reason
	}
	head.Done()
	return s
}
