package workflows_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/workflows"
)

// TestHowManyItemsAForeachTakes: at the limit all of them are gone through, and one more holds the step before anything is
// done, with advice that can be followed.
func TestHowManyItemsAForeachTakes(t *testing.T) {
	tests := []struct {
		items, max int
		advice     string
	}{
		{plan.UsualItems, 0, ""},
		{plan.UsualItems + 1, 0, "set `max`, which is 500 where the playbook does not say and at most 2000"},
		{3, 2, "raise `max`, to at most 2000"},
		{plan.MostItems, plan.MostItems, ""},
		{plan.MostItems + 1, plan.MostItems, "no foreach takes more than 2000"},
		{plan.MostItems + 1, 0, "no foreach takes more than 2000"},
	}
	for _, test := range tests {
		t.Run(fmt.Sprintf("%d of %d", test.items, test.max), func(t *testing.T) {
			in := planned([]plan.Step{many(test.items), each("all", "steps.names.output.list", plan.Foreach{
				Concurrency: 10, Max: test.max, Do: []plan.Step{use("act", "t.act")},
			})}, nil)
			var advice string
			runs := chain(t, in, 0, func(_ int, b *bench) {
				b.tiring("t.act", 400)
				b.RegisterDelayedCallback(func() {
					for _, h := range b.state().Holds {
						advice = h.Advice
					}
				}, time.Minute)
				b.decides(2*time.Minute, workflows.Decision{Path: "all", Action: workflows.SkipStep, Reason: "too many", By: "ann"})
			})
			done := test.items
			if test.advice != "" {
				done = 0
			}
			if calls := len(all(runs)); calls != done || !strings.Contains(advice, test.advice) || (advice == "") != (test.advice == "") {
				t.Errorf("%d calls, advice %q", calls, advice)
			}
			raw, err := json.Marshal(runs[len(runs)-1].state())
			if err != nil || len(raw) > 2<<20 {
				t.Errorf("the record has %d bytes, more than can be asked for: %v", len(raw), err)
			}
		})
	}
}

func many(n int) plan.Step {
	items := make([]any, n)
	for i := range items {
		items[i] = map[string]any{"name": fmt.Sprintf("web-%d", i), "uid": fmt.Sprintf("%08x-%08x", i*7919, i*104729)}
	}
	return block("names", func(s *plan.Step) {
		s.Set, s.Output = []plan.Entry{{Key: "list", Value: literal(items)}}, "{list: [any]}"
	})
}
