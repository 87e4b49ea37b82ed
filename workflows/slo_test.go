package workflows_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	sdkpb "go.temporal.io/api/sdk/v1"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/workflows"
)

func pausing(d time.Duration) plan.Step {
	return plan.Step{ID: "pause", Phase: "identify", OnError: plan.Hold, Wait: &plan.Wait{For: d}}
}

// timed starts the bench's clock two minutes after the alert.
func timed(b *bench, in workflows.Input) {
	b.t.Helper()
	b.SetStartTime(time.Date(2026, 7, 1, 12, 2, 0, 0, time.UTC))
	b.ExecuteWorkflow(workflows.CaseWorkflow, in)
	if !b.IsWorkflowCompleted() {
		b.t.Fatal("the case did not end")
	}
}

func TestPhasesAreMeasured(t *testing.T) {
	contain := []plan.Objective{{Phase: "contain", Within: 5 * time.Minute}}
	act := use("act", "t.act", undoable)
	tests := map[string]struct {
		steps  []plan.Step
		slo    []plan.Objective
		change func(*workflows.Input)
		decide *workflows.Decision // after ten minutes
		want   []activities.Objective
	}{
		"met, from the alert on": {
			steps: []plan.Step{pausing(2 * time.Minute), act}, slo: contain,
			want: []activities.Objective{{Phase: "contain", Within: 300, Took: 240, Met: true, Status: "met"}},
		},
		"missed": {
			steps: []plan.Step{pausing(4 * time.Minute), act}, slo: contain,
			want: []activities.Objective{{Phase: "contain", Within: 300, Took: 360, Status: "missed"}},
		},
		"a drill counts from its start": {
			steps: []plan.Step{pausing(4 * time.Minute), use("look", "t.act")}, slo: contain, change: asDrill,
			want: []activities.Objective{{Phase: "contain", Within: 300, Took: 240, Met: true, Status: "met"}},
		},
		"an alert of long ago counts from the start": {
			steps: []plan.Step{act}, slo: contain,
			change: func(in *workflows.Input) { in.Alert.Time = in.Alert.Time.AddDate(-1, 0, 0) },
			want:   []activities.Objective{{Phase: "contain", Within: 300, Met: true, Status: "met"}},
		},
		"an alert of the future counts from the start": {
			steps: []plan.Step{act}, slo: contain,
			change: func(in *workflows.Input) { in.Alert.Time = in.Alert.Time.Add(time.Hour) },
			want:   []activities.Objective{{Phase: "contain", Within: 300, Met: true, Status: "met"}},
		},
		"a schedule's run counts from its start": {
			steps: []plan.Step{pausing(4 * time.Minute), act}, slo: contain,
			change: func(in *workflows.Input) {
				in.Trigger, in.Plan.Triggers = "nightly", []plan.Trigger{{ID: "nightly", Schedule: &plan.ScheduleTrigger{}}}
			},
			want: []activities.Objective{{Phase: "contain", Within: 300, Took: 240, Met: true, Status: "met"}},
		},
		"the last step of the phase counts": {
			steps: []plan.Step{act, pausing(4 * time.Minute), {ID: "both", Phase: "preserve", OnError: plan.Hold, Parallel: []plan.Step{
				use("more", "t.act", undoable), use("logs", "t.act", phase("preserve")),
			}}}, slo: contain,
			want: []activities.Objective{{Phase: "contain", Within: 300, Took: 360, Status: "missed"}},
		},
		"finally is not waited for": {
			steps: []plan.Step{act}, slo: contain,
			change: func(in *workflows.Input) {
				in.Plan.Finally = []plan.Step{{ID: "late", Phase: "contain", OnError: plan.Hold, Wait: &plan.Wait{For: time.Hour}}}
			},
			want: []activities.Objective{{Phase: "contain", Within: 300, Took: 120, Met: true, Status: "met"}},
		},
		"who fails to contain has missed": {
			steps: []plan.Step{act, use("bad", "t.bad", onError(plan.Continue))}, slo: contain,
			want: []activities.Objective{{Phase: "contain", Within: 300, Took: 120, Status: "missed", Why: "step bad failed or was passed over"}},
		},
		"enrichment that fails has not": {
			steps: []plan.Step{use("bad", "t.bad", onError(plan.Continue), phase("preserve"))}, slo: []plan.Objective{{Phase: "preserve", Within: time.Hour}},
			want: []activities.Objective{{Phase: "preserve", Within: 3600, Took: 120, Met: true, Status: "met"}},
		},
		"a run that ends before": {
			steps: []plan.Step{use("bad", "t.bad", onError(plan.Fail)), use("logs", "t.act", phase("preserve"))},
			slo:   []plan.Objective{contain[0], {Phase: "preserve", Within: time.Hour}},
			want: []activities.Objective{
				{Phase: "contain", Within: 300, Took: 120, Status: "missed", Why: "step bad failed or was passed over"},
				{Phase: "preserve", Within: 3600, Status: "missed", Why: "the run ended before the phase was through"},
			},
		},
		"nothing to contain": {
			steps: []plan.Step{use("act", "t.act", undoable, iff("false"))}, slo: contain,
			want: []activities.Objective{{Phase: "contain", Within: 300, Status: "void", Why: "there was nothing to do in the phase"}},
		},
		"a false positive": {
			steps: []plan.Step{{ID: "fp", Phase: "coordinate", OnError: plan.Hold, Stop: &plan.Stop{Outcome: "false_positive"}}, act}, slo: contain,
			want: []activities.Objective{{Phase: "contain", Within: 300, Status: "void", Why: "the playbook ended before it: false_positive"}},
		},
		"passed over by a person": {
			steps: []plan.Step{act, use("bad", "t.bad")}, slo: contain,
			decide: &workflows.Decision{Path: "bad", Action: workflows.SkipStep, Reason: "no need", By: "ann"},
			want:   []activities.Objective{{Phase: "contain", Within: 300, Took: 720, Status: "missed", Why: "step bad failed or was passed over"}},
		},
		"a dry run is not measured": {
			steps: []plan.Step{act}, slo: contain, change: func(in *workflows.Input) { in.DryRun = true },
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.does("t.act", ok("done"))
			b.does("t.bad", forbidden)
			in := planned(test.steps, nil)
			in.Plan.SLO = test.slo
			if test.change != nil {
				test.change(&in)
			}
			if test.decide != nil {
				b.decides(10*time.Minute, *test.decide)
			}
			timed(b, in)
			if diff := cmp.Diff(test.want, b.state().Objectives); diff != "" {
				t.Fatal(diff)
			}
		})
	}
}

func TestALateContainmentIsSaidWhileItIsLate(t *testing.T) {
	b := newBench(t)
	granted := false
	b.does("t.act", mended(&granted))
	var early, late workflows.State
	b.RegisterDelayedCallback(func() { early = b.state() }, time.Minute)
	b.RegisterDelayedCallback(func() { granted = true }, 59*time.Minute)
	b.decides(time.Hour, workflows.Decision{Path: "act", Action: workflows.RetryStep, By: "ann"})
	b.RegisterDelayedCallback(func() { late = b.state() }, 61*time.Minute)
	in := planned([]plan.Step{use("act", "t.act", undoable), {ID: "pause", Phase: "contain", OnError: plan.Hold, Wait: &plan.Wait{For: time.Hour}}}, nil)
	in.Plan.SLO = []plan.Objective{{Phase: "contain", Within: 5 * time.Minute}}
	timed(b, in)
	if o := early.Objectives[0]; o.Status != activities.ObjectiveOpen {
		t.Fatalf("%+v", o)
	}
	if o := late.Objectives[0]; o.Status != activities.ObjectiveMissed || o.Why != "the phase is not through yet" {
		t.Fatalf("%+v", o)
	}
	if got := b.state().Held; got != 3600 {
		t.Fatalf("held for %g s", got)
	}
	var result workflows.Result
	if err := b.GetWorkflowResult(&result); err != nil || len(result.Objectives) != 1 || result.Objectives[0].Took != 7320 {
		t.Fatalf("%+v, %v", result, err)
	}
	value, err := b.QueryWorkflow("__temporal_workflow_metadata")
	if err != nil {
		t.Fatal(err)
	}
	var shown sdkpb.WorkflowMetadata
	if err := value.Get(&shown); err != nil {
		t.Fatal(err)
	}
	if page := shown.GetCurrentDetails(); !strings.Contains(page, "| contain | 5m0s | 2h2m0s | missed") {
		t.Fatalf("the Web UI shows %s", page)
	}
}
