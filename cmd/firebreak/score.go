package main

import (
	"fmt"
	"strings"

	"github.com/firebreak-ir/firebreak/activities"
)

// score says how the phases did against the playbook's times, and what its guards stopped.
func (s summary) score(out *strings.Builder) {
	for _, o := range s.state.Objectives {
		word := o.Status
		switch o.Status {
		case activities.ObjectiveMet:
			word = s.palette.green(word)
		case activities.ObjectiveMissed:
			word = s.palette.red(word)
		}
		if o.Took > 0 {
			word += " after " + brief(o.Took)
		}
		if o.Why != "" {
			word += ": " + safe(o.Why)
		}
		fmt.Fprintf(out, "  %-9s within %s: %s\n", safe(o.Phase), brief(o.Within), word)
	}
	for _, g := range s.state.Guards {
		if len(g.Tripped) > 0 {
			fmt.Fprintf(out, "  guard     %s at %s: %s%s\n", s.palette.yellow(safe(strings.Join(g.Tripped, ", "))), safe(g.Step), safe(g.Why), letThrough(g))
		}
	}
}

func letThrough(g activities.GuardCheck) string {
	if g.ApprovedBy == "" {
		return ""
	}
	return "; let through by " + safe(g.ApprovedBy)
}
