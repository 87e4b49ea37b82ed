package workflows_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/workflows"
)

// TestAnOutputOfASkippedStepIsLeftOut has a person skip the step whose output one of the run's outputs is, as `seal` of a
// case whose evidence store is gone: the pod is isolated all the same.
func TestAnOutputOfASkippedStepIsLeftOut(t *testing.T) {
	b := newBench(t)
	b.does("t.act", ok("isolated"))
	b.does("t.bad", forbidden)
	u := b.decides(time.Minute, workflows.Decision{Path: "seal", Action: workflows.SkipStep, Reason: "the store is gone", By: "ann"})
	in := planned([]plan.Step{use("isolate", "t.act", undoable)}, []plan.Step{use("seal", "t.bad", phase("improve"))})
	in.Plan.Outputs = []plan.Entry{expr("manifest", "steps.seal.output.manifest"), expr("did", "steps.isolate.output.summary"), expr("outcome", "run.outcome")}
	b.ExecuteWorkflow(workflows.CaseWorkflow, in)
	var result workflows.Result
	if err := b.GetWorkflowResult(&result); err != nil || u.refused != nil {
		t.Fatalf("%v, %v", err, u.refused)
	}
	if d := cmp.Diff(map[string]any{"did": "isolated", "outcome": "contained"}, result.Outputs); d != "" || result.Outcome != workflows.OutcomeContained {
		t.Fatalf("%s: %s", result.Outcome, d)
	}
	for _, missing := range [][]workflows.MissingOutput{result.Missing, b.state().Missing} {
		if len(missing) != 1 || missing[0].Name != "manifest" || !strings.Contains(missing[0].Why, "steps.seal.output.manifest") {
			t.Fatalf("%+v", missing)
		}
	}
}
