package workflows_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/compile"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
	"github.com/firebreak-ir/firebreak/workflows"
)

func phase(name string) func(*plan.Step) { return func(s *plan.Step) { s.Phase = name } }

func TestTheOutcomeIsHonestAboutContainment(t *testing.T) {
	contain := use("contain", "t.ok", undoable)
	tests := map[string]struct {
		steps []plan.Step
		want  string
	}{
		"all was done":                  {[]plan.Step{contain, use("more", "t.ok", undoable)}, workflows.OutcomeContained},
		"a condition was false":         {[]plan.Step{contain, use("node", "t.ok", undoable, iff("false"))}, workflows.OutcomeContained},
		"one was passed over":           {[]plan.Step{contain, use("more", "t.bad", undoable, onError(plan.Continue))}, workflows.OutcomePartly},
		"one was skipped by a person":   {[]plan.Step{contain, use("held", "t.bad", undoable)}, workflows.OutcomePartly},
		"an item of a foreach failed":   {[]plan.Step{contain, failingItem()}, workflows.OutcomePartly},
		"nothing was changed":           {[]plan.Step{use("look", "t.ok")}, workflows.OutcomeCompleted},
		"the only change failed":        {[]plan.Step{use("more", "t.bad", undoable, onError(plan.Continue))}, workflows.OutcomeCompleted},
		"a later phase failed":          {[]plan.Step{contain, use("disks", "t.bad", onError(plan.Continue), phase("preserve"))}, workflows.OutcomeContained},
		"a change of another phase":     {[]plan.Step{use("label", "t.ok", undoable, phase("coordinate"))}, workflows.OutcomeCompleted},
		"a lookup of the phase failed":  {[]plan.Step{contain, use("look", "t.bad", onError(plan.Continue))}, workflows.OutcomePartly},
		"it was done after it was held": {[]plan.Step{contain, use("mended", "t.mended", undoable)}, workflows.OutcomeContained},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			granted := false
			b.does("t.ok", ok("done"))
			b.does("t.bad", forbidden)
			b.does("t.mended", mended(&granted))
			b.RegisterDelayedCallback(func() { granted = true }, time.Second)
			b.decides(time.Minute, workflows.Decision{Path: "held", Action: workflows.SkipStep, Reason: "by hand", By: "ann"})
			b.decides(time.Minute, workflows.Decision{Path: "mended", Action: workflows.RetryStep, By: "ann"})
			b.start(test.steps, nil)
			if state := b.state(); state.Outcome != test.want || state.Status != workflows.Completed {
				t.Fatalf("%s, %q, want %q", state.Status, state.Outcome, test.want)
			}
		})
	}
}

func failingItem() plan.Step {
	return each("items", "['a']", plan.Foreach{Concurrency: 1, OnError: plan.Continue,
		Do: []plan.Step{use("act", "t.bad", undoable, onError(plan.Fail))}})
}

// TestNoPlaybookClaimsTheEnginesWords compiles a playbook that stops with each outcome and state that the engine gives.
func TestNoPlaybookClaimsTheEnginesWords(t *testing.T) {
	words := []string{
		workflows.OutcomeContained, workflows.OutcomePartly, workflows.OutcomeCompleted, workflows.OutcomeRehearsed, workflows.OutcomeFailed,
		workflows.OutcomeCanceled, workflows.OutcomeAborted, workflows.OutcomeRolledBack, workflows.OutcomePartlyRolledBack,
		workflows.OutcomeUndone, workflows.OutcomePartlyUndone, workflows.Asking,
		string(workflows.Running), string(workflows.Held), string(workflows.Completed), string(workflows.Failed), string(workflows.Canceled),
	}
	for _, word := range append(words, "false_positive") {
		word = strings.ReplaceAll(word, " ", "_")
		text := "apiVersion: firebreak/v1\nkind: Playbook\nmetadata: {name: p, version: 1.0.0}\nsteps:\n" +
			"  - {id: end, phase: identify, stop: {outcome: " + word + "}}\n"
		_, problems := compile.Compile("p.yaml", []byte(text), activities.NewCatalog())
		refused := slices.ContainsFunc(problems, func(p syntax.Problem) bool { return strings.Contains(p.Error(), "no playbook can claim") })
		if want := word != "false_positive"; refused != want {
			t.Errorf("%q: refused is %t: %v", word, refused, problems)
		}
	}
}
