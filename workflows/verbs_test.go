package workflows_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/temporal"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/workflows"
)

func block(id string, change func(*plan.Step)) plan.Step {
	s := plan.Step{ID: id, Phase: "contain", OnError: plan.Hold}
	change(&s)
	return s
}

func source(text string) plan.Expr { return plan.Expr{Source: text} }

func literal(v any) plan.Value { return plan.Value{Literal: v} }

// ran gives the calls of activities so far, as "name path".
func (b *bench) ran() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.called)
}

func TestSwitchRunsTheFirstCaseThatHolds(t *testing.T) {
	tests := []struct {
		priority string
		want     string
	}{{"first", "t.act pick/a"}, {"both", "t.act pick/a"}, {"second", "t.act pick/b"}, {"none", "t.act pick/c"}}
	for _, test := range tests {
		t.Run(test.priority, func(t *testing.T) {
			b := newBench(t)
			b.does("t.act", ok("done"))
			word := fmt.Sprintf("%q", test.priority)
			b.start([]plan.Step{block("pick", func(s *plan.Step) {
				s.Switch = &plan.Switch{
					Cases: []plan.Case{
						{When: source(word + " in ['first', 'both']"), Do: []plan.Step{use("a", "t.act")}},
						{When: source(word + " in ['second', 'both']"), Do: []plan.Step{use("b", "t.act")}},
					},
					Default: []plan.Step{use("c", "t.act")},
				}
			}), use("after", "t.act", with(expr("seen", "steps.pick.a.status + steps.pick.b.status + steps.pick.c.status")))}, nil)
			if d := cmp.Diff([]string{test.want, "t.act after"}, b.ran()); d != "" {
				t.Fatal(d)
			}
			if seen := b.inputs["after"]; strings.Count(seen, "skipped") != 2 || strings.Count(seen, "done") != 1 {
				t.Fatalf("a case that did not run is skipped: %s", seen)
			}
		})
	}
}

func TestWhileRepeatsUntilItsConditionHolds(t *testing.T) {
	b := newBench(t)
	tries := 0
	b.does("t.poll", func(string, int32, json.RawMessage) (any, error) {
		tries++
		return map[string]any{"isolated": tries == 3, "summary": fmt.Sprint("try ", tries)}, nil
	})
	begin := b.Now()
	b.start([]plan.Step{use("verify", "t.poll", func(s *plan.Step) {
		s.While = &plan.While{Until: source("output.isolated"), Max: 12, Every: 5 * time.Second}
	})}, nil)
	if took := b.state().Ended.Sub(begin); tries != 3 || took < 10*time.Second || took > 11*time.Second {
		t.Fatalf("%d tries in %s", tries, took)
	}
	if len(slices.Compact(slices.Sorted(slices.Values(b.keys)))) != 3 {
		t.Fatalf("each try is a call of its own: %q", b.keys)
	}
	if s := b.step("verify"); s.Summary != "try 3" || s.Status != activities.StepDone {
		t.Fatalf("%+v", s)
	}
}

func TestWhileThatNeverHoldsIsAFailure(t *testing.T) {
	b := newBench(t)
	b.does("t.poll", func(string, int32, json.RawMessage) (any, error) { return map[string]any{"isolated": false}, nil })
	b.start([]plan.Step{use("verify", "t.poll", onError(plan.Fail), func(s *plan.Step) {
		s.While = &plan.While{Until: source("output.isolated"), Max: 4}
	})}, nil)
	if got := kind(t, b.GetWorkflowError()); got != workflows.KindNotReached || b.calls("t.poll") != 4 {
		t.Fatalf("%s after %d tries", got, b.calls("t.poll"))
	}
}

func TestWait(t *testing.T) {
	until := func(text string) *plan.Expr { e := source(text); return &e }
	answered := func(b *bench) {
		b.RegisterDelayedCallback(func() {
			b.SignalWorkflow(workflows.NoteSignal, plan.Signal{Name: "vendor", By: "ann", Data: map[string]any{"ok": true}})
		}, time.Minute)
	}
	alerted := func(b *bench) {
		b.RegisterDelayedCallback(func() { b.SignalWorkflow(workflows.AlertSignal, plan.Alert{Rule: "more"}) }, 2*time.Minute)
	}
	tests := []struct {
		name    string
		wait    plan.Wait
		prepare func(*bench)
		met     bool
		seconds float64
		kind    string
	}{
		{"a time", plan.Wait{For: 10 * time.Minute}, nil, true, 600, ""},
		{"a signal", plan.Wait{Until: until("signals.exists(s, s.name == 'vendor' && s.data.ok)")}, answered, true, 60, ""},
		{"another signal than the one that comes", plan.Wait{Until: until("signals.exists(s, s.name == 'x')"), For: time.Hour}, answered, false, 3600, ""},
		{"an alert", plan.Wait{Until: until("run.alerts >= 1"), For: time.Hour, OnTimeout: "fail"}, alerted, true, 120, ""},
		{"nothing comes in time", plan.Wait{Until: until("run.alerts >= 1"), For: time.Hour, OnTimeout: "fail"}, nil, false, 0, workflows.KindNotReached},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t)
			if test.prepare != nil {
				test.prepare(b)
			}
			b.start([]plan.Step{block("w", func(s *plan.Step) {
				s.Wait, s.OnError, s.Output = &test.wait, plan.Fail, "{met: boolean, seconds: integer}"
			})}, nil)
			if test.kind != "" {
				if got := kind(t, b.GetWorkflowError()); got != test.kind {
					t.Fatal(got)
				}
				return
			}
			output, _ := b.step("w").Output.(map[string]any)
			if output["met"] != test.met || output["seconds"] != test.seconds {
				t.Fatalf("%v", output)
			}
		})
	}
}

func TestSetGivesNamesToValues(t *testing.T) {
	b := newBench(t)
	b.does("t.act", ok("done"))
	b.start([]plan.Step{
		block("names", func(s *plan.Step) {
			s.Set, s.Output = []plan.Entry{expr("who", "alert.rule + '!'"), {Key: "n", Value: literal(int64(3))}}, "{who: string, n: integer}"
		}),
		use("a", "t.act", with(expr("who", "steps.names.output.who"), expr("n", "steps.names.output.n + 1"))),
	}, nil)
	if got := b.inputs["a"]; got != `{"n":4,"who":"Terminal shell!"}` {
		t.Fatal(got)
	}
}

func TestStopEndsTheRunWithItsOutcome(t *testing.T) {
	b := newBench(t)
	b.does("t.act", ok("done"))
	reason := literal("nothing here")
	stop := block("halt", func(s *plan.Step) { s.Stop = &plan.Stop{Outcome: "false_positive", Reason: &reason} })
	in := planned([]plan.Step{
		use("first", "t.act"),
		block("both", func(s *plan.Step) { s.Parallel = []plan.Step{use("a", "t.act"), stop} }),
		use("never", "t.act"),
	}, []plan.Step{use("seal", "t.act")})
	in.Plan.Outputs = []plan.Entry{expr("a", "steps.first.output.summary"), expr("never", "steps.never.output.summary")}
	b.ExecuteWorkflow(workflows.CaseWorkflow, in)
	if d := cmp.Diff([]string{"t.act first", "t.act both/a", "t.act seal"}, b.ran()); d != "" {
		t.Fatal(d)
	}
	var result workflows.Result
	if err := b.GetWorkflowResult(&result); err != nil || result.Outcome != "false_positive" || cmp.Diff(map[string]any{"a": "done"}, result.Outputs) != "" {
		t.Fatalf("%+v, %v", result, err)
	}
	if s := b.step("both/halt"); !strings.Contains(s.Summary, "nothing here") {
		t.Fatalf("%+v", s)
	}
}

func TestCatchTakesTheFailuresItNames(t *testing.T) {
	b := newBench(t)
	b.does("t.fails", forbidden)
	b.does("t.act", ok("done"))
	when := source("error.kind == 'NotFound'")
	other := source("error.kind == 'Forbidden' && error.step == 'risky'")
	b.start([]plan.Step{
		use("risky", "t.fails", func(s *plan.Step) {
			s.Catch = []plan.Catch{
				{When: &when, Do: []plan.Step{use("no", "t.act")}},
				{When: &other, Do: []plan.Step{use("yes", "t.act"), use("then", "t.act", with(expr("x", "steps.yes.output.summary"), expr("e", "error.kind")))}},
			}
		}),
		use("after", "t.act", with(expr("x", "steps.risky.status"))),
	}, nil)
	if err := b.GetWorkflowError(); err != nil {
		t.Fatal(err)
	}
	if got := b.inputs["risky/catch[1]/then"]; got != `{"e":"Forbidden","x":"done"}` {
		t.Fatal(got)
	}
	want := []string{"t.fails risky", "t.act risky/catch[1]/yes", "t.act risky/catch[1]/then", "t.act after"}
	if d := cmp.Diff(want, b.ran()); d != "" {
		t.Fatal(d)
	}
	if b.step("risky").Status != activities.StepFailed || b.inputs["after"] != `{"x":"failed"}` {
		t.Fatalf("%+v %s", b.step("risky"), b.inputs["after"])
	}
}

func TestCatchThatMatchesNothingHolds(t *testing.T) {
	b := newBench(t)
	b.does("t.fails", forbidden)
	when := source("error.kind == 'NotFound'")
	u := b.decides(time.Minute, workflows.Decision{Path: "risky", Action: workflows.SkipStep, Reason: "known", By: "ann"})
	b.start([]plan.Step{use("risky", "t.fails", func(s *plan.Step) { s.Catch = []plan.Catch{{When: &when}} })}, nil)
	if u.refused != nil || b.step("risky").Status != activities.StepSkipped {
		t.Fatalf("%v %+v", u.refused, b.step("risky"))
	}
}

func TestIdempotencyKeyIsThePlaybooksOwn(t *testing.T) {
	b := newBench(t)
	b.does("t.act", ok("done"))
	key := plan.Value{Expr: &plan.Expr{Source: "'case-' + alert.rule"}}
	empty := literal("")
	b.start([]plan.Step{
		use("a", "t.act", func(s *plan.Step) { s.Uses.Key = &key }),
		use("b", "t.act", func(s *plan.Step) { s.Uses.Key = &empty }),
	}, nil)
	if b.keys[0] != "case-Terminal shell" || !strings.HasSuffix(b.keys[1], "/b") {
		t.Fatalf("%q", b.keys)
	}
}

func TestRetryWhenAndJitter(t *testing.T) {
	temporary := func(kind string) error { return temporal.NewApplicationError("try again", kind) }
	tests := []struct {
		name  string
		kind  string
		calls int
	}{{"worth it", "Throttled", 4}, {"not worth it", "Odd", 1}, {"final whatever the playbook says", "Forbidden", 1}}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t)
			b.does("t.fails", func(string, int32, json.RawMessage) (any, error) { return nil, temporary(test.kind) })
			when := source("error.kind in ['Throttled', 'Forbidden']")
			begin := b.Now()
			b.start([]plan.Step{use("a", "t.fails", onError(plan.Continue), func(s *plan.Step) {
				s.Uses.Retry = plan.Retry{Attempts: 4, Initial: 10 * time.Second, Backoff: 1, Max: time.Minute, Jitter: 0.5, When: &when}
			})}, nil)
			took := b.state().Ended.Sub(begin)
			if b.calls("t.fails") != test.calls {
				t.Fatalf("%d calls", b.calls("t.fails"))
			}
			if waits := time.Duration(test.calls - 1); took < waits*5*time.Second || took > waits*15*time.Second+time.Second || waits > 0 && took == waits*10*time.Second {
				t.Fatalf("took %s", took)
			}
		})
	}
}

func TestADryRunNeitherWaitsNorRepeats(t *testing.T) {
	b := newBench(t)
	b.does("t.poll", func(string, int32, json.RawMessage) (any, error) { return map[string]any{"isolated": false}, nil })
	begin := b.Now()
	in := planned([]plan.Step{
		block("pause", func(s *plan.Step) { s.Wait = &plan.Wait{For: time.Hour} }),
		use("verify", "t.poll", func(s *plan.Step) {
			s.While = &plan.While{Until: source("output.isolated"), Max: 12, Every: 5 * time.Second}
		}),
	}, nil)
	in.DryRun = true
	b.ExecuteWorkflow(workflows.CaseWorkflow, in)
	if took := b.state().Ended.Sub(begin); b.GetWorkflowError() != nil || took > time.Minute || b.calls("t.poll") != 1 {
		t.Fatalf("%s, %d polls, %v", took, b.calls("t.poll"), b.GetWorkflowError())
	}
}

// TestACatchThatCannotBeEvaluatedLeavesTheFailureToOnError reads a field that the alert does not have.
func TestACatchThatCannotBeEvaluatedLeavesTheFailureToOnError(t *testing.T) {
	when := source("alert.fields['host'] == 'x'")
	risky := func(o plan.OnError) []plan.Step {
		return []plan.Step{use("risky", "t.fails", onError(o), func(s *plan.Step) {
			s.Catch = []plan.Catch{{When: &when, Do: []plan.Step{use("no", "t.act")}}, {Do: []plan.Step{use("nor", "t.act")}}}
		}), use("after", "t.act")}
	}
	told := func(t *testing.T, text string) {
		t.Helper()
		if !strings.Contains(text, "pods is forbidden") || !strings.Contains(text, "no such key: host") {
			t.Fatalf("the failure, or why nothing caught it, is not told: %q", text)
		}
	}
	t.Run("hold", func(t *testing.T) {
		b := newBench(t)
		b.does("t.fails", forbidden)
		b.does("t.act", ok("done"))
		b.RegisterDelayedCallback(func() {
			held := b.state().Holds
			if len(held) != 1 || held[0].Kind != "Forbidden" || held[0].Advice != "grant it" {
				t.Errorf("%+v", held)
				return
			}
			told(t, held[0].Error)
		}, 30*time.Second)
		u := b.decides(time.Minute, workflows.Decision{Path: "risky", Action: workflows.SkipStep, Reason: "known", By: "ann"})
		b.start(risky(plan.Hold), nil)
		if u.refused != nil || b.GetWorkflowError() != nil {
			t.Fatalf("%v, %v", u.refused, b.GetWorkflowError())
		}
		if d := cmp.Diff([]string{"t.fails risky", "t.act after"}, b.ran()); d != "" {
			t.Fatal(d)
		}
	})
	t.Run("continue", func(t *testing.T) {
		b := newBench(t)
		b.does("t.fails", forbidden)
		b.does("t.act", ok("done"))
		b.start(risky(plan.Continue), nil)
		if d := cmp.Diff([]string{"t.fails risky", "t.act after"}, b.ran()); d != "" {
			t.Fatal(d)
		}
		told(t, b.step("risky").Error)
	})
}

// TestAWaitCountsFromItsFirstBegin holds a wait that came to nothing for an hour, and waits again.
func TestAWaitCountsFromItsFirstBegin(t *testing.T) {
	b := newBench(t)
	until := source("signals.exists(s, s.name == 'vendor')")
	u := b.decides(2*time.Hour, workflows.Decision{Path: "w", Action: workflows.RetryStep, By: "ann"})
	b.RegisterDelayedCallback(func() {
		b.SignalWorkflow(workflows.NoteSignal, plan.Signal{Name: "vendor", By: "ann"})
	}, 2*time.Hour+time.Minute)
	b.start([]plan.Step{block("w", func(s *plan.Step) {
		s.Wait, s.Output = &plan.Wait{Until: &until, For: time.Hour, OnTimeout: "fail"}, "{met: boolean, seconds: integer}"
	})}, nil)
	output, _ := b.step("w").Output.(map[string]any)
	if want := (2*time.Hour + time.Minute).Seconds(); u.refused != nil || output["seconds"] != want || output["met"] != true {
		t.Fatalf("%v, %v", u.refused, output)
	}
}

// TestAnActivityThatFoundNothingToDoKeepsItsOutput asks for outputs as a playbook may: of a step that its condition skipped,
// and of one whose activity says that it had nothing to do.
func TestAnActivityThatFoundNothingToDoKeepsItsOutput(t *testing.T) {
	b := newBench(t)
	b.does("t.idle", func(string, int32, json.RawMessage) (any, error) {
		return map[string]any{"status": "skipped", "summary": "node-1 was cordoned already", "node": "node-1"}, nil
	})
	b.does("t.act", ok("done"))
	b.start([]plan.Step{
		use("idle", "t.idle"), use("not", "t.idle", iff("false")),
		use("after", "t.act", with(expr("words", "[steps.idle.status, steps.not.status]"), expr("node", "steps.idle.output.node"),
			expr("has", "[has(steps.idle.output), has(steps.not.output)]"))),
	}, nil)
	if d := cmp.Diff(`{"has":[true,false],"node":"node-1","words":["skipped","skipped"]}`, b.inputs["after"]); d != "" {
		t.Fatal(d)
	}
}
