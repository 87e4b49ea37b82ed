package workflows_test

import (
	"context"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/workflows"
)

// canceled registers a capture during which the run's history becomes long and an operator ends the case; end does so.
func (b *bench) canceled(name string, end func()) {
	b.RegisterActivityWithOptions(func(ctx context.Context, in workflows.ActivityInput) (json.RawMessage, error) {
		b.note(name, in)
		b.SetCurrentHistoryLength(4000)
		b.SignalWorkflow(workflows.AlertSignal, plan.Alert{Rule: "more"}) // the run looks at its length: it is to be left
		end()
		<-ctx.Done()
		return nil, ctx.Err()
	}, activity.RegisterOptions{Name: name})
}

// noStepIsLeftOpen tells whether the record of a case that has ended says of each step how it ended.
func noStepIsLeftOpen(t *testing.T, s workflows.State) {
	t.Helper()
	for _, step := range s.Steps {
		if step.Status == activities.StepRunning || step.Status == activities.StepHeld {
			t.Errorf("step %q is still %s", step.Path, step.Status)
		}
	}
}

// TestACalledPlaybookClosesOnceWhenALongCaseEnds ends a case in a step of a called playbook, in a run that is to be left.
func TestACalledPlaybookClosesOnceWhenALongCaseEnds(t *testing.T) {
	ends := map[string]struct {
		end  func(*bench)
		want string
	}{
		"canceled": {func(b *bench) { b.CancelWorkflow() }, workflows.OutcomeCanceled},
		"aborted":  {func(b *bench) { b.UpdateWorkflow(workflows.DecideUpdate, "", &updated{}, abort("")) }, workflows.OutcomeAborted},
	}
	for name, test := range ends {
		t.Run(name, func(t *testing.T) {
			in := caller([]plan.Step{use("inner", "t.slow", hours), use("never", "t.act")}, use("after", "t.act"))
			runs := chain(t, in, 0, func(_ int, b *bench) {
				b.SetTestTimeout(20 * time.Second)
				b.does("t.act", ok("done"))
				b.canceled("t.slow", func() { test.end(b) })
			})
			want := []string{"t.act mine", "t.slow sub/inner", "t.act sub/close", "t.act seal"}
			if d := cmp.Diff(want, all(runs)); d != "" {
				t.Fatalf("%d runs: %s", len(runs), d)
			}
			last := runs[len(runs)-1].state()
			if last.Outcome != test.want {
				t.Fatalf("%s, %s", last.Status, last.Outcome)
			}
			noStepIsLeftOpen(t, last)
		})
	}
}

// TestACancellationDeepInsideOfALongCaseIsNotLost cancels a case that is to be left while a capture is in flight, as many
// blocks deep as errors climb one by one.
func TestACancellationDeepInsideOfALongCaseIsNotLost(t *testing.T) {
	deep := []plan.Step{use("capture", "t.slow", hours)}
	for _, id := range []string{"d", "c", "b", "a"} {
		deep = []plan.Step{
			block(id, func(s *plan.Step) {
				s.Parallel = []plan.Step{each(id+"s", "['x', 'y']", plan.Foreach{Concurrency: 1, Do: deep}), use(id+"1", "t.act")}
			}),
			use(id+"2", "t.act"),
		}
	}
	runs := chain(t, planned(deep, []plan.Step{use("seal", "t.act")}), 0, func(_ int, b *bench) {
		b.SetTestTimeout(20 * time.Second)
		b.does("t.act", ok("done"))
		b.canceled("t.slow", b.CancelWorkflow)
	})
	calls, last := all(runs), runs[len(runs)-1]
	if n := len(calls); n < 3 || calls[n-1] != "t.act seal" || count(calls, "t.slow") != 1 {
		t.Fatalf("%d runs: %q", len(runs), calls)
	}
	for _, id := range []string{"a2", "a/as[0]/b2", "a/as[1]/b/b1"} {
		if slices.Contains(calls, "t.act "+id) {
			t.Errorf("%s ran after the cancellation", id)
		}
	}
	if err := last.GetWorkflowError(); !temporal.IsCanceledError(err) || last.state().Outcome != workflows.OutcomeCanceled {
		t.Fatalf("%v, %s", err, last.state().Outcome)
	}
	noStepIsLeftOpen(t, last.state())
}

func count(calls []string, activity string) (n int) {
	for _, c := range calls {
		if len(c) > len(activity) && c[:len(activity)+1] == activity+" " {
			n++
		}
	}
	return n
}
