package workflows_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/workflows"
)

// chain runs a case as Temporal does: a run that is left is followed by one with what it handed on. Every run's history is
// said to be long after that time. prepare is called for each run, with its number.
func chain(t *testing.T, in workflows.Input, long time.Duration, prepare func(run int, b *bench)) []*bench {
	t.Helper()
	var runs []*bench
	for {
		b := newBench(t)
		runs = append(runs, b)
		prepare(len(runs)-1, b)
		if long > 0 {
			b.RegisterDelayedCallback(func() { b.SetCurrentHistoryLength(4000) }, long)
		}
		b.ExecuteWorkflow(workflows.CaseWorkflow, in)
		var next *workflow.ContinueAsNewError
		if !errors.As(b.GetWorkflowError(), &next) {
			return runs
		}
		if err := converter.GetDefaultDataConverter().FromPayloads(next.Input, &in); err != nil {
			t.Fatal(err)
		}
		if len(runs) > 200 {
			t.Fatal("the chain does not end")
		}
	}
}

func planned(steps, finally []plan.Step) workflows.Input {
	return workflows.Input{
		Plan:    plan.Plan{Name: "test", Version: "1.0.0", Hash: "h", Steps: steps, Finally: finally},
		Cluster: "lab", Alert: plan.Alert{Rule: "Terminal shell", Time: time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)},
	}
}

// tiring answers, and makes the history long with its nth call in the run.
func (b *bench) tiring(name string, nth int) {
	b.does(name, func(path string, _ int32, in json.RawMessage) (any, error) {
		if nth > 0 && b.calls(name) >= nth {
			b.SetCurrentHistoryLength(4000)
		}
		return map[string]any{"summary": "did " + path, "n": len(path), "echo": in}, nil
	})
}

func all(runs []*bench) (calls []string) {
	for _, b := range runs {
		calls = append(calls, b.ran()...)
	}
	return calls
}

// everything is a plan with each verb that can be in the middle of something when a run is left.
func everything() []plan.Step {
	early := source("size(run.record.steps) < 4")
	items := []plan.Value{literal("a"), literal("b"), literal("c")}
	yes := source("error.kind == 'Forbidden'")
	steps := []plan.Step{
		block("names", func(s *plan.Step) {
			s.Set, s.Output = []plan.Entry{{Key: "list", Value: plan.Value{List: items}}, {Key: "n", Value: literal(int64(7))}}, "{list: [string], n: integer}"
		}),
		use("one", "t.act", undoable),
		each("loop", "steps.names.output.list", plan.Foreach{Concurrency: 2, OnError: plan.Continue, Do: []plan.Step{
			use("x", "t.act", undoable, with(expr("item", "item"), expr("n", "steps.names.output.n"))),
			use("y", "t.bad", onError(plan.Fail), iff("item == 'b'")),
		}}),
		block("choice", func(s *plan.Step) {
			s.Branch = &plan.Branch{Cond: source("size(run.record.steps) < 11"), Then: []plan.Step{use("t1", "t.act"), use("t2", "t.act")}, Else: []plan.Step{use("e", "t.act")}}
		}),
		block("both", func(s *plan.Step) { s.Parallel = []plan.Step{use("p", "t.act"), use("q", "t.act")} }),
		use("caught", "t.bad", func(s *plan.Step) {
			s.Catch = []plan.Catch{{When: &yes, Do: []plan.Step{use("c1", "t.act"), use("c2", "t.act")}}}
		}),
		block("pause", func(s *plan.Step) { s.Wait = &plan.Wait{For: 10 * time.Minute} }),
		use("last", "t.act", with(expr("second", "steps.loop.items[1].x.output.summary"), expr("failed", "steps.loop.items[1].status"),
			expr("t", "steps.choice.t2.output.summary"), expr("q", "steps.both.q.output.n + 1"))),
	}
	steps[2].If = &early // and never again: a step that was begun is gone on with
	return steps
}

// TestACaseGoesThroughWhateverRunItIsLeftIn leaves the run after each minute and wants the same calls, results and changes
// as in one run.
func TestACaseGoesThroughWhateverRunItIsLeftIn(t *testing.T) {
	prepare := func(nth int) func(int, *bench) {
		return func(_ int, b *bench) {
			b.tiring("t.act", nth)
			b.does("t.bad", forbidden)
		}
	}
	in := planned(everything(), []plan.Step{use("seal", "t.act"), use("report", "t.act", with(expr("o", "run.outcome")))})
	whole := chain(t, in, 0, prepare(0))
	if len(whole) != 1 {
		t.Fatal(len(whole))
	}
	for _, nth := range []int{1, 2, 3, 5} {
		t.Run(fmt.Sprint(nth), func(t *testing.T) {
			runs := chain(t, in, 0, prepare(nth))
			if len(runs) < 13/(nth+2) {
				t.Fatalf("%d runs", len(runs))
			}
			if d := cmp.Diff(sorted(all(whole)), sorted(all(runs))); d != "" {
				t.Errorf("calls: %s", d)
			}
			first, last := whole[0].state(), runs[len(runs)-1].state()
			if d := cmp.Diff(digest(first), digest(last)); d != "" {
				t.Errorf("record: %s", d)
			}
			stack := []string{"one", "loop[0]/x", "loop[1]/x", "loop[2]/x"}
			if d := cmp.Diff(stack, changed(whole[0])); d != "" {
				t.Errorf("changes of one run: %s", d)
			}
			if d := cmp.Diff(sorted(stack), sorted(changed(runs[len(runs)-1]))); d != "" {
				t.Errorf("changes: %s", d)
			}
		})
	}
}

// changed gives the steps whose changes can be undone, in the order they were made.
func changed(b *bench) (steps []string) {
	for {
		page := query[[]workflows.Undoable](b, workflows.UndoQuery, len(steps))
		if len(page) == 0 {
			return steps
		}
		for _, change := range page {
			steps = append(steps, change.Call.Step)
		}
	}
}

// TestTheUndoStackOutlivesARun makes and takes back changes in a run for each, and in one run.
func TestTheUndoStackOutlivesARun(t *testing.T) {
	in := planned([]plan.Step{
		use("c", "t.act", undoable), use("a", "t.act", undoable),
		each("loop", "['x', 'y']", plan.Foreach{Concurrency: 1, Do: []plan.Step{use("z", "t.act", undoable)}}),
		use("b", "t.act", undoable), use("bad", "t.bad", onError(plan.RollBack)),
	}, []plan.Step{use("seal", "t.act")})
	made := []string{"t.act c", "t.act a", "t.act loop[0]/z", "t.act loop[1]/z", "t.act b"}
	back := []string{"t.act.undo b", "t.act.undo loop[1]/z", "t.act.undo loop[0]/z", "t.act.undo a", "t.act.undo c"}
	for _, long := range []bool{false, true} {
		runs := chain(t, in, 0, func(_ int, b *bench) {
			b.tiring("t.act", map[bool]int{true: 1}[long])
			b.does("t.bad", forbidden)
			b.RegisterActivityWithOptions(func(_ context.Context, in workflows.UndoActivityInput) error {
				b.note("t.act.undo", workflows.ActivityInput{Call: in.Call, Input: in.Output})
				if !strings.Contains(string(in.Output), "did "+in.Call.Step) {
					t.Errorf("the undo of %s is not told what was done: %s", in.Call.Step, in.Output)
				}
				if long {
					b.SetCurrentHistoryLength(4000)
				}
				return nil
			}, activity.RegisterOptions{Name: "t.act.undo"})
		})
		if d := cmp.Diff(slices.Concat(made, []string{"t.bad bad"}, back, []string{"t.act seal"}), all(runs)); d != "" || long && len(runs) < 10 {
			t.Fatalf("%d runs: %s", len(runs), d)
		}
		last := runs[len(runs)-1]
		if got := last.state().Outcome; got != workflows.OutcomeRolledBack || len(changed(last)) != 0 {
			t.Fatalf("%s, %q", got, changed(last))
		}
	}
}

// TestACaseTooLargeToBeHandedOnGoesOn lets the outputs of a case outgrow what one run can hand to the next.
func TestACaseTooLargeToBeHandedOnGoesOn(t *testing.T) {
	var steps []plan.Step
	for i := range 45 {
		steps = append(steps, use(fmt.Sprintf("s%d", i), "t.act", undoable))
	}
	noise := rand.NewChaCha8([32]byte{1})
	runs := chain(t, planned(steps, []plan.Step{use("seal", "t.small")}), 0, func(_ int, b *bench) {
		b.does("t.small", ok("sealed"))
		b.does("t.act", func(path string, _ int32, _ json.RawMessage) (any, error) {
			if path == "s40" {
				b.SetCurrentHistoryLength(4000)
				b.SignalWorkflow(workflows.AlertSignal, plan.Alert{Rule: "more"})
			}
			raw := make([]byte, 45<<10)
			_, _ = noise.Read(raw)
			return map[string]any{"summary": "did " + path, "noise": base64.StdEncoding.EncodeToString(raw)}, nil
		})
	})
	state := runs[0].state()
	if err := runs[0].GetWorkflowError(); err != nil || len(runs) != 1 || state.Outcome != workflows.OutcomeContained || state.Alerts != 1 {
		t.Fatalf("%d runs, %v, %s, %d alerts", len(runs), err, state.Outcome, state.Alerts)
	}
	if n := len(all(runs)); n != 46 || len(changed(runs[0])) != 45 {
		t.Fatalf("%d calls, %d changes", n, len(changed(runs[0])))
	}
}

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }

func digest(s workflows.State) (out []string) {
	for _, step := range s.Steps {
		out = append(out, fmt.Sprintf("%s %s %s %s %v", step.Path, step.Status, step.Summary, step.Error, step.Output))
	}
	return append(sorted(out), s.Outcome, fmt.Sprint(s.Alerts))
}

// TestHoldsDecisionsAndSignalsOutliveARun holds a case, joins alerts and leaves the run meanwhile.
func TestHoldsDecisionsAndSignalsOutliveARun(t *testing.T) {
	u := &updated{}
	runs := chain(t, planned([]plan.Step{use("one", "t.act", undoable), use("risky", "t.bad"), use("after", "t.act")}, nil), 30*time.Second,
		func(run int, b *bench) {
			b.does("t.act", ok("done"))
			b.does("t.bad", forbidden)
			if run > 3 {
				b.SetCurrentHistoryLength(0)
				b.RegisterDelayedCallback(func() {
					b.UpdateWorkflow(workflows.DecideUpdate, "", u, workflows.Decision{Path: "risky", Action: workflows.SkipStep, Reason: "known", By: "ann"})
				}, 10*time.Second)
				return
			}
			for i := range 50 {
				b.RegisterDelayedCallback(func() { b.SignalWorkflow(workflows.AlertSignal, plan.Alert{Rule: "more"}) }, time.Duration(i)*time.Second)
			}
		})
	last := runs[len(runs)-1]
	if u.refused != nil || last.GetWorkflowError() != nil {
		t.Fatalf("%v, %v", u.refused, last.GetWorkflowError())
	}
	if d := cmp.Diff([]string{"t.act one", "t.bad risky", "t.act after"}, all(runs)); d != "" {
		t.Fatal(d)
	}
	state := last.state()
	if len(runs) != 5 || state.Alerts < 4*30 {
		t.Fatalf("%d runs, %d alerts", len(runs), state.Alerts)
	}
	if s := last.step("risky"); s.Status != activities.StepSkipped || state.Holds != nil {
		t.Fatalf("%+v %+v", s, state.Holds)
	}
}

func TestAWaitIsNotBegunAnewInTheNextRun(t *testing.T) {
	begin := time.Time{}
	runs := chain(t, planned([]plan.Step{
		block("pause", func(s *plan.Step) { s.Wait = &plan.Wait{For: 10 * time.Minute} }), use("after", "t.act"),
	}, nil), 0, func(run int, b *bench) {
		b.does("t.act", ok("done"))
		if run == 0 {
			begin = b.Now()
		} else {
			b.SetStartTime(begin.Add(time.Duration(run) * 4 * time.Minute))
		}
		// A signal makes the run look at its length.
		b.RegisterDelayedCallback(func() {
			b.SetCurrentHistoryLength(4000)
			b.SignalWorkflow(workflows.AlertSignal, plan.Alert{Rule: "more"})
		}, 4*time.Minute)
	})
	last := runs[len(runs)-1].state()
	if took := last.Ended.Sub(begin); len(runs) != 3 || took < 10*time.Minute || took > 11*time.Minute || last.Alerts != 2 {
		t.Fatalf("%d runs, %s, %d alerts", len(runs), took, last.Alerts)
	}
}
