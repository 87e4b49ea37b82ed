package workflows_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/temporal"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/workflows"
)

// mended fails until somebody has granted the permission.
func mended(granted *bool) func(string, int32, json.RawMessage) (any, error) {
	return func(path string, attempt int32, in json.RawMessage) (any, error) {
		if !*granted {
			return forbidden(path, attempt, in)
		}
		return ok("done")(path, attempt, in)
	}
}

func TestAHeldStepIsRetriedUnderTheSameKey(t *testing.T) {
	b := newBench(t)
	granted := false
	var held workflows.State
	b.does("t.act", mended(&granted))
	b.RegisterDelayedCallback(func() { held = b.state(); granted = true }, time.Minute)
	u := b.decides(time.Hour, workflows.Decision{Path: "act", Action: workflows.RetryStep, By: "ann"})
	b.start([]plan.Step{use("act", "t.act", undoable), use("after", "t.act")}, nil)
	if b.GetWorkflowError() != nil || u.refused != nil || u.failed != nil {
		t.Fatalf("%v, %v, %v", b.GetWorkflowError(), u.refused, u.failed)
	}
	want := []workflows.HeldStep{{Path: "act", Error: "pods is forbidden", Kind: "Forbidden", Advice: "grant it"}}
	if diff := cmp.Diff(want, held.Holds); diff != "" || held.Status != workflows.Held {
		t.Fatalf("%s: %s", held.Status, diff)
	}
	if diff := cmp.Diff([]string{"t.act act", "t.act act", "t.act after"}, b.called); diff != "" {
		t.Fatal(diff)
	}
	if b.keys[0] != b.keys[1] {
		t.Fatalf("the key changed: %q", b.keys)
	}
	if n := len(query[[]workflows.Undoable](b, workflows.UndoQuery)); n != 1 {
		t.Fatalf("%d changes are registered", n)
	}
	if state := b.state(); state.Outcome != workflows.OutcomeContained || len(state.Holds) != 0 {
		t.Fatalf("%+v", state)
	}
}

func TestAHeldStepIsSkippedWithAReason(t *testing.T) {
	b := newBench(t)
	b.does("t.act", forbidden)
	b.does("t.next", ok("done"))
	b.decides(time.Hour, workflows.Decision{Path: "act", Action: workflows.SkipStep, Reason: "not needed", By: "ann"})
	b.start([]plan.Step{use("act", "t.act"), use("next", "t.next", iff("steps.act.status == 'skipped'"))}, nil)
	if b.GetWorkflowError() != nil || b.calls("t.next") != 1 {
		t.Fatalf("%v, called %q", b.GetWorkflowError(), b.called)
	}
	if s := b.step("act"); s.Status != activities.StepSkipped || s.Summary != "skipped by ann: not needed" || s.Error == "" {
		t.Fatalf("%+v", s)
	}
}

func TestAnAbortEndsTheCaseAfterFinally(t *testing.T) {
	b := newBench(t)
	b.does("t.act", forbidden)
	b.does("t.next", ok("done"))
	b.decides(time.Hour, workflows.Decision{Path: "act", Action: workflows.AbortCase, Reason: "a drill", By: "ann"})
	b.start([]plan.Step{use("act", "t.act"), use("next", "t.next")}, []plan.Step{use("seal", "t.next")})
	if got := kind(t, b.GetWorkflowError()); got != workflows.KindAborted {
		t.Fatal(got)
	}
	if diff := cmp.Diff([]string{"t.act act", "t.next seal"}, b.called); diff != "" {
		t.Fatal(diff)
	}
	if got := b.state().Outcome; got != workflows.OutcomeAborted {
		t.Fatal(got)
	}
}

func TestAnAbortReleasesOtherHolds(t *testing.T) {
	b := newBench(t)
	b.does("t.act", forbidden)
	b.decides(time.Hour, workflows.Decision{Path: "all/b", Action: workflows.AbortCase, Reason: "a drill", By: "ann"})
	b.start([]plan.Step{{ID: "all", OnError: plan.Hold, Parallel: []plan.Step{use("a", "t.act"), use("b", "t.act")}}}, nil)
	if got := kind(t, b.GetWorkflowError()); got != workflows.KindAborted {
		t.Fatal(got)
	}
}

func TestDecisionsThatMakeNoSenseAreRefused(t *testing.T) {
	good := workflows.Decision{Path: "act", Action: workflows.SkipStep, Reason: "why", By: "ann"}
	tests := map[string]struct {
		change func(*workflows.Decision)
		want   string
	}{
		"another step":      {func(d *workflows.Decision) { d.Path = "other" }, `step "other" is not held; held are: ["act"]`},
		"unknown action":    {func(d *workflows.Decision) { d.Action = "explode" }, `"explode" is none of`},
		"skip, no reason":   {func(d *workflows.Decision) { d.Reason = "" }, "say why"},
		"abort, no reason":  {func(d *workflows.Decision) { d.Action, d.Reason = workflows.AbortCase, "" }, "say why"},
		"nobody in special": {func(d *workflows.Decision) { d.By = "" }, "who decides"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.does("t.act", forbidden)
			bad := good
			test.change(&bad)
			u := b.decides(time.Minute, bad)
			b.decides(time.Hour, good)
			b.start([]plan.Step{use("act", "t.act")}, nil)
			if u.refused == nil || !strings.Contains(u.refused.Error(), test.want) {
				t.Fatalf("got %v, want %q", u.refused, test.want)
			}
		})
	}
}

func TestASecondDecisionIsRefused(t *testing.T) {
	b := newBench(t)
	b.does("t.act", forbidden)
	first := b.decides(time.Minute, workflows.Decision{Path: "act", Action: workflows.SkipStep, Reason: "why", By: "ann"})
	second := b.decides(time.Minute, workflows.Decision{Path: "act", Action: workflows.AbortCase, Reason: "why", By: "bob"})
	b.decides(time.Hour, workflows.Decision{Path: "late", Action: workflows.SkipStep, Reason: "why", By: "ann"})
	b.start([]plan.Step{use("act", "t.act"), use("late", "t.act")}, nil)
	if first.refused != nil || second.refused == nil {
		t.Fatalf("first %v, second %v", first.refused, second.refused)
	}
	if got := b.state().Outcome; got != workflows.OutcomeCompleted {
		t.Fatal(got)
	}
}

func TestABlockThatIsRetriedDoesNotRepeatWhatIsDone(t *testing.T) {
	b := newBench(t)
	granted := false
	b.does("t.good", ok("done"))
	b.does("t.act", mended(&granted))
	b.RegisterDelayedCallback(func() { granted = true }, time.Second)
	b.decides(time.Minute, workflows.Decision{Path: "all[1]/act", Action: workflows.RetryStep, By: "ann"})
	b.start([]plan.Step{each("all", "['a', 'b']", plan.Foreach{Concurrency: 1, OnError: plan.Hold,
		Do: []plan.Step{use("good", "t.good"), use("act", "t.act", iff("item == 'b'"))}})}, nil)
	if b.GetWorkflowError() != nil {
		t.Fatal(b.GetWorkflowError())
	}
	want := []string{"t.good all[0]/good", "t.good all[1]/good", "t.act all[1]/act", "t.act all[1]/act"}
	if diff := cmp.Diff(want, b.called); diff != "" {
		t.Fatal(diff)
	}
}

func TestCancelRunsFinallyAndStartsNothingNew(t *testing.T) {
	b := newBench(t)
	b.does("t.act", forbidden)
	b.does("t.next", ok("done"))
	b.RegisterDelayedCallback(b.CancelWorkflow, time.Hour)
	b.start([]plan.Step{use("isolate", "t.next", undoable), use("act", "t.act"), use("next", "t.next")}, []plan.Step{
		use("bad", "t.act", onError(plan.Continue)), use("seal", "t.next"),
	})
	if err := b.GetWorkflowError(); !temporal.IsCanceledError(err) {
		t.Fatalf("got %v, want a cancellation", err)
	}
	if diff := cmp.Diff([]string{"t.next isolate", "t.act act", "t.act bad", "t.next seal"}, b.called); diff != "" {
		t.Fatal(diff)
	}
	if state := b.state(); state.Status != workflows.Canceled || state.Outcome != workflows.OutcomeCanceled {
		t.Fatalf("%s, %s", state.Status, state.Outcome)
	}
	if n := len(query[[]workflows.Undoable](b, workflows.UndoQuery)); n != 1 {
		t.Fatalf("%d changes can be undone", n)
	}
}

func TestFinallyRunsEveryStepAfterAFailureOfOne(t *testing.T) {
	b := newBench(t)
	b.does("t.act", forbidden)
	b.does("t.next", ok("done"))
	b.start([]plan.Step{use("next", "t.next")}, []plan.Step{use("report", "t.act", onError(plan.Fail)), use("seal", "t.next")})
	if got := kind(t, b.GetWorkflowError()); got != string(activities.Forbidden) {
		t.Fatal(got)
	}
	if b.calls("t.next") != 2 {
		t.Fatalf("called %q", b.called)
	}
}

func TestUndoIsRegisteredBeforeTheActivityStarts(t *testing.T) {
	b := newBench(t)
	var before []workflows.Undoable
	b.does("t.act", func(path string, attempt int32, in json.RawMessage) (any, error) {
		before = query[[]workflows.Undoable](b, workflows.UndoQuery)
		return ok("done")(path, attempt, in)
	})
	b.start([]plan.Step{use("act", "t.act", undoable, with(expr("pod", "'web'")))}, nil)
	if len(before) != 1 || before[0].Output != nil || before[0].Call.Step != "act" {
		t.Fatalf("%+v", before)
	}
	after := query[[]workflows.Undoable](b, workflows.UndoQuery)
	if out, _ := after[0].Output.(map[string]any); out["summary"] != "done" {
		t.Fatalf("%+v", after)
	}
	if in, _ := after[0].Input.(map[string]any); in["pod"] != "web" {
		t.Fatalf("%+v", after)
	}
}

func TestTwoHundredAlertsAreCounted(t *testing.T) {
	b := newBench(t)
	b.does("t.act", forbidden)
	for i := range 200 {
		b.RegisterDelayedCallback(func() {
			b.SignalWorkflow(workflows.AlertSignal, plan.Alert{ID: fmt.Sprint(i)})
		}, time.Duration(i%3)*time.Second)
	}
	b.decides(time.Minute, workflows.Decision{Path: "act", Action: workflows.SkipStep, Reason: "why", By: "ann"})
	b.start([]plan.Step{use("act", "t.act")}, nil)
	var result workflows.Result
	if err := b.GetWorkflowResult(&result); err != nil {
		t.Fatal(err)
	}
	if state := b.state(); result.Alerts != 200 || state.Alerts != 200 || len(state.Joined) != 20 {
		t.Fatalf("%d and %d counted, %d kept", result.Alerts, state.Alerts, len(state.Joined))
	}
}

func TestADryRunRegistersNoUndoAndContainsNothing(t *testing.T) {
	b := newBench(t)
	b.does("t.act", ok("would isolate"))
	b.ExecuteWorkflow(workflows.CaseWorkflow, workflows.Input{
		Plan: plan.Plan{Name: "test", Steps: []plan.Step{use("act", "t.act", undoable)}}, Cluster: "lab", DryRun: true,
	})
	if state := b.state(); state.Outcome != workflows.OutcomeRehearsed {
		t.Fatal(state.Outcome)
	}
	if n := len(query[[]workflows.Undoable](b, workflows.UndoQuery)); n != 0 {
		t.Fatalf("%d changes are registered", n)
	}
}
