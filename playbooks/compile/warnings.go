package compile

import (
	"fmt"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// exportActivity keeps a run's history with the evidence: Temporal forgets it when its retention is over.
const exportActivity = "evidence.export_history"

// exportLine is the step that a playbook should close with, before the seal.
const exportLine = `- {id: history, uses: evidence.export_history, with: {workflow: "${{ run.workflow }}", run: "${{ run.record.run }}"}}`

// Warnings say what is allowed in a playbook and is probably not meant, each in a sentence.
func Warnings(p plan.Plan) []string {
	var list []string
	if text, large := SizeWarning(p); large {
		list = append(list, text)
	}
	if len(p.Triggers) > 0 && !exports(p) {
		list = append(list, fmt.Sprintf("%s: no history export in finally: who decided what is gone when Temporal forgets the run; add, before evidence.seal:\n  %s",
			p.Source, exportLine))
	}
	return list
}

// exports tells whether the history is kept however the run ends. A playbook without triggers is one that others call.
func exports(p plan.Plan) (found bool) {
	plan.Walk(func(s plan.Step) { found = found || s.Uses != nil && s.Uses.Activity == exportActivity }, p.Finally)
	return found
}
