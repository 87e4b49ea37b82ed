package compile

import (
	"strings"
	"testing"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

func TestAPlaybookThatForgetsItsHistoryIsWarnedAbout(t *testing.T) {
	export := plan.Step{Uses: &plan.Uses{Activity: exportActivity}}
	triggered := []plan.Trigger{{ID: "falco"}}
	for name, test := range map[string]struct {
		p      plan.Plan
		warned bool
	}{
		"nothing in finally": {plan.Plan{Triggers: triggered}, true},
		"in the steps alone": {plan.Plan{Triggers: triggered, Steps: []plan.Step{export}}, true},
		"in finally":         {plan.Plan{Triggers: triggered, Finally: []plan.Step{export}}, false},
		"inside a block":     {plan.Plan{Triggers: triggered, Finally: []plan.Step{{Parallel: []plan.Step{export}}}}, false},
		"one that is called": {plan.Plan{}, false},
	} {
		test.p.Source = "mine.yaml"
		got := strings.Join(Warnings(test.p), "\n")
		if warned := strings.HasPrefix(got, "mine.yaml: no history export in finally") && strings.HasSuffix(got, exportLine); warned != test.warned || !warned && got != "" {
			t.Errorf("%s: %q", name, got)
		}
	}
}
