package workflows_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/workflows"
)

func TestStepsRunInOrderAndSeeTheOutputsBefore(t *testing.T) {
	b := newBench(t)
	b.does("t.find", ok("found"))
	b.does("t.act", ok("acted"))
	b.start([]plan.Step{
		use("first", "t.find"),
		use("second", "t.act", undoable, with(expr("from", "steps.first.output.path"), expr("case", "run.case"))),
	}, []plan.Step{use("seal", "t.find")})
	if err := b.GetWorkflowError(); err != nil {
		t.Fatal(err)
	}
	want := []string{"t.find first", "t.act second", "t.find seal"}
	if diff := cmp.Diff(want, b.called); diff != "" {
		t.Fatal(diff)
	}
	state := b.state()
	if !strings.Contains(b.inputs["second"], `"from":"first"`) || !strings.Contains(b.inputs["second"], state.Case) {
		t.Fatalf("the input was %s", b.inputs["second"])
	}
	if b.keys[1] != state.Case+"/second" {
		t.Fatalf("the key is %q", b.keys[1])
	}
	if state.Status != workflows.Completed || state.Outcome != workflows.OutcomeContained || state.Phase != "contain" {
		t.Fatalf("%+v", state)
	}
}

func TestAFalseConditionSkips(t *testing.T) {
	b := newBench(t)
	b.does("t.act", ok("acted"))
	b.start([]plan.Step{
		use("no", "t.act", iff("alert.rule == 'other'")),
		use("after", "t.act", iff("!has(steps.no.output) && steps.no.status == 'skipped'")),
	}, nil)
	if s := b.step("no"); s.Status != activities.StepSkipped || !strings.Contains(s.Summary, "alert.rule == 'other'") {
		t.Fatalf("%+v", s)
	}
	if diff := cmp.Diff([]string{"t.act after"}, b.called); diff != "" {
		t.Fatal(diff)
	}
}

func TestABranchTakesOneSide(t *testing.T) {
	b := newBench(t)
	b.does("t.act", ok("acted"))
	b.start([]plan.Step{
		{ID: "choice", Phase: "contain", OnError: plan.Hold, Branch: &plan.Branch{
			Cond: plan.Expr{Source: "alert.rule == 'other'"},
			Then: []plan.Step{use("yes", "t.act")}, Else: []plan.Step{use("no", "t.act")},
		}},
		use("after", "t.act", with(expr("from", "steps.choice.no.output.path"))),
	}, nil)
	if diff := cmp.Diff([]string{"t.act choice/no", "t.act after"}, b.called); diff != "" {
		t.Fatal(diff)
	}
	if b.inputs["after"] != `{"from":"choice/no"}` {
		t.Fatalf("the input was %s", b.inputs["after"])
	}
}

func TestAFailingBranchOfParallelKeepsItsSiblings(t *testing.T) {
	b := newBench(t)
	b.does("t.bad", forbidden)
	b.does("t.slow", ok("captured"))
	b.does("t.seal", ok("sealed"))
	b.start([]plan.Step{
		{ID: "facts", Phase: "preserve", OnError: plan.Hold, Parallel: []plan.Step{
			use("bad", "t.bad", onError(plan.Fail)),
			use("enrich", "t.bad", onError(plan.Continue)),
			use("slow", "t.slow"),
		}},
		use("never", "t.slow"),
	}, []plan.Step{use("seal", "t.seal")})
	if got := kind(t, b.GetWorkflowError()); got != string(activities.Forbidden) {
		t.Fatalf("the error is of kind %q", got)
	}
	if b.step("facts/slow").Status != activities.StepDone || b.calls("t.slow") != 1 || b.calls("t.seal") != 1 {
		t.Fatalf("called %q", b.called)
	}
	if state := b.state(); state.Outcome != workflows.OutcomeFailed || state.Status != workflows.Failed {
		t.Fatalf("%s, %s", state.Status, state.Outcome)
	}
}

func TestParallelOutputsStandUnderTheirParent(t *testing.T) {
	b := newBench(t)
	b.does("t.find", ok("found"))
	b.start([]plan.Step{
		{ID: "facts", Phase: "identify", OnError: plan.Hold, Parallel: []plan.Step{use("a", "t.find"), use("b", "t.find")}},
		use("after", "t.find", with(expr("from", "steps.facts.a.output.path + ' ' + steps.facts.b.status"))),
	}, nil)
	if b.inputs["after"] != `{"from":"facts/a done"}` {
		t.Fatalf("the input was %s", b.inputs["after"])
	}
}

func TestForeachKeepsTheOrderOfItsInput(t *testing.T) {
	b := newBench(t)
	b.does("t.act", func(path string, attempt int32, in json.RawMessage) (any, error) {
		if strings.Contains(string(in), "slow") && attempt < 3 { // ends long after the others
			return broken(path, attempt, in)
		}
		if strings.Contains(string(in), "bad") {
			return forbidden("", 0, nil)
		}
		return map[string]any{"status": "done", "summary": "ok", "got": string(in)}, nil
	})
	b.does("t.read", ok("read"))
	b.start([]plan.Step{
		each("all", "['slow', 'b', 'bad', 'd']", plan.Foreach{Concurrency: 2, OnError: plan.Continue, Do: []plan.Step{
			use("act", "t.act", onError(plan.Fail), with(expr("name", "item"))),
			use("then", "t.read", with(expr("from", "steps.act.output.got"))),
		}}),
		use("read", "t.read", with(
			expr("ran", "steps.all.items.map(i, has(i.act.output) ? i.act.output.got : i.error)"),
			expr("status", "steps.all.items.map(i, i.status)"))),
	}, nil)
	if err := b.GetWorkflowError(); err != nil {
		t.Fatal(err)
	}
	var in struct{ Ran, Status []string }
	if err := json.Unmarshal([]byte(b.inputs["read"]), &in); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"done", "done", "failed", "done"}, in.Status); diff != "" {
		t.Fatal(diff)
	}
	for i, want := range []string{"slow", "b", "pods is forbidden", "d"} {
		if !strings.Contains(in.Ran[i], want) {
			t.Fatalf("item %d is %q, want %q", i, in.Ran[i], want)
		}
	}
	if at := slices.Index(b.called, "t.read all[0]/then"); at < slices.Index(b.called, "t.read all[3]/then") {
		t.Fatalf("the slow item ended first: %q", b.called)
	}
	if got := b.inputs["all[0]/then"]; !strings.Contains(got, "slow") {
		t.Fatalf("a later step of the item saw %s", got)
	}
	if s := b.step("all"); s.Summary != "1 of 4 items failed" {
		t.Fatalf("%+v", s)
	}
}

func TestAFailedItemEndsAForeachThatDoesNotContinue(t *testing.T) {
	b := newBench(t)
	b.does("t.act", forbidden)
	b.start([]plan.Step{each("all", "['a', 'b', 'c']", plan.Foreach{Concurrency: 1, OnError: plan.Fail,
		Do: []plan.Step{use("act", "t.act", onError(plan.Fail))}})}, nil)
	if got := kind(t, b.GetWorkflowError()); got != string(activities.Forbidden) {
		t.Fatal(got)
	}
	if b.calls("t.act") != 1 {
		t.Fatalf("called %q", b.called)
	}
}

func TestTooManyItemsHold(t *testing.T) {
	b := newBench(t)
	b.does("t.act", ok("done"))
	b.decides(time.Minute, workflows.Decision{Path: "all", Action: workflows.SkipStep, Reason: "too many", By: "ann"})
	b.start([]plan.Step{each("all", "['a', 'b', 'c']", plan.Foreach{Concurrency: 1, Max: 2, Do: []plan.Step{use("act", "t.act")}})}, nil)
	if b.GetWorkflowError() != nil || len(b.called) != 0 {
		t.Fatalf("%v, called %q", b.GetWorkflowError(), b.called)
	}
	if s := b.step("all"); s.Status != activities.StepSkipped || !strings.Contains(s.Error, "3 items are more than the limit of 2") {
		t.Fatalf("%+v", s)
	}
}

func TestRetriesMendWhatIsTemporary(t *testing.T) {
	b := newBench(t)
	b.does("t.act", func(path string, attempt int32, in json.RawMessage) (any, error) {
		if attempt < 3 {
			return broken(path, attempt, in)
		}
		return ok("done")(path, attempt, in)
	})
	b.start([]plan.Step{use("act", "t.act")}, nil)
	if b.GetWorkflowError() != nil || b.calls("t.act") != 3 {
		t.Fatalf("%v after %d attempts", b.GetWorkflowError(), b.calls("t.act"))
	}
	if !slices.Equal(b.keys[:2], b.keys[1:]) {
		t.Fatalf("the key changed between attempts: %q", b.keys)
	}
}

func TestAPermanentFailureIsNotRetried(t *testing.T) {
	b := newBench(t)
	b.does("t.act", forbidden)
	b.start([]plan.Step{use("act", "t.act", onError(plan.Fail))}, nil)
	if b.calls("t.act") != 1 {
		t.Fatalf("%d attempts", b.calls("t.act"))
	}
	if err := b.GetWorkflowError(); !strings.Contains(err.Error(), `step "act": pods is forbidden; grant it`) {
		t.Fatal(err)
	}
}

func TestAnActivityThatFoundNothingToDoIsSkipped(t *testing.T) {
	b := newBench(t)
	b.does("t.act", func(string, int32, json.RawMessage) (any, error) {
		return map[string]any{"status": "skipped", "summary": "already isolated"}, nil
	})
	b.start([]plan.Step{use("act", "t.act", undoable)}, nil)
	if s := b.step("act"); s.Status != activities.StepSkipped || s.Summary != "already isolated" {
		t.Fatalf("%+v", s)
	}
	if got := b.state().Outcome; got != workflows.OutcomeCompleted {
		t.Fatalf("nothing was changed, and the outcome is %q", got)
	}
}

func TestAnExpressionThatFailsHoldsWithAdvice(t *testing.T) {
	b := newBench(t)
	b.does("t.act", ok("done"))
	var held workflows.State
	b.RegisterDelayedCallback(func() { held = b.state() }, time.Second)
	b.decides(time.Minute, workflows.Decision{Path: "act", Action: workflows.AbortCase, Reason: "broken playbook", By: "ann"})
	b.start([]plan.Step{use("act", "t.act", with(expr("x", "steps.act.nothing")))}, nil)
	if len(held.Holds) != 1 || held.Holds[0].Kind != workflows.KindExpression || held.Holds[0].Advice == "" {
		t.Fatalf("%+v", held.Holds)
	}
	if got := kind(t, b.GetWorkflowError()); got != workflows.KindAborted {
		t.Fatal(got)
	}
}

func TestCaseIDsTellRunsApart(t *testing.T) {
	tests := map[string]string{
		"f3aaa894-498c-4c84-822b-c497e72d97b3": "pod-1.f3aaa894", // random
		"01a2074c-b75a-7df9-bfc9-5e9a0be69840": "pod-1.0be69840", // begins with the time
		"01a2074c-b75a-7df9-bfc9-5e9a12345678": "pod-1.12345678",
		"short":                                "pod-1.short",
	}
	for run, want := range tests {
		if got := workflows.CaseID("pod-1", run); got != want {
			t.Errorf("%s: got %q, want %q", run, got, want)
		}
	}
}
