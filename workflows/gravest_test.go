package workflows_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/workflows"
)

func stopStep(id string, change ...func(*plan.Step)) plan.Step {
	s := block(id, func(s *plan.Step) { s.Stop = &plan.Stop{Outcome: "false_positive"} })
	for _, c := range change {
		c(&s)
	}
	return s
}

// TestAStopEndsAForeachThatContinues stops at an item; what fails beside it is passed over, the stop is not.
func TestAStopEndsAForeachThatContinues(t *testing.T) {
	inside := map[string][]plan.Step{
		"at an item":           {stopStep("halt", iff("item == 'b'"))},
		"beside a failed item": {use("bad", "t.bad", onError(plan.Fail), iff("item == 'a'")), stopStep("halt", iff("item == 'b'"))},
		"beside a failure in the same item": {block("both", func(s *plan.Step) {
			s.Parallel = []plan.Step{use("bad", "t.bad", onError(plan.Fail), iff("item == 'b'")), stopStep("halt", iff("item == 'b'"))}
		})},
	}
	for name, do := range inside {
		t.Run(name, func(t *testing.T) {
			for _, nth := range []int{0, 1} { // in one run, and in a run that is left behind each call
				in := planned([]plan.Step{
					each("nodes", "['a', 'b', 'c']", plan.Foreach{Concurrency: 1, OnError: plan.Continue, Do: append(slices.Clone(do), use("cordon", "t.act"))}),
					use("after", "t.act"),
				}, []plan.Step{use("seal", "t.act")})
				runs := chain(t, in, 0, func(_ int, b *bench) {
					b.tiring("t.act", nth)
					b.does("t.bad", forbidden)
				})
				calls, last := all(runs), runs[len(runs)-1].state()
				for _, never := range []string{"t.act nodes[1]/cordon", "t.act nodes[2]/cordon", "t.act after"} {
					if slices.Contains(calls, never) {
						t.Errorf("%d: %s ran behind the stop: %q", nth, never, calls)
					}
				}
				if last.Outcome != "false_positive" || last.Status != workflows.Completed || calls[len(calls)-1] != "t.act seal" {
					t.Errorf("%d: %s, %s, %q", nth, last.Status, last.Outcome, calls)
				}
			}
		})
	}
}

// TestTheGravestEndDecidesOverABlock puts two ends side by side, in both orders.
func TestTheGravestEndDecidesOverABlock(t *testing.T) {
	fail := use("fail", "t.bad", onError(plan.Fail))
	back := use("back", "t.bad", onError(plan.RollBack))
	tests := map[string]struct {
		pair   []plan.Step
		want   string
		undone int
	}{
		"rollback before fail": {[]plan.Step{fail, back}, workflows.OutcomeRolledBack, 1},
		"stop before fail":     {[]plan.Step{fail, stopStep("halt")}, "false_positive", 0},
		"stop before rollback": {[]plan.Step{back, stopStep("halt")}, "false_positive", 0},
	}
	for name, test := range tests {
		for _, turned := range []bool{false, true} {
			for _, nth := range []int{0, 1} {
				t.Run(name, func(t *testing.T) {
					pair := slices.Clone(test.pair)
					if turned {
						slices.Reverse(pair)
					}
					in := planned([]plan.Step{
						use("one", "t.act", undoable), block("both", func(s *plan.Step) { s.Parallel = append(pair, use("two", "t.act")) }), use("never", "t.act"),
					}, []plan.Step{use("seal", "t.act")})
					runs := chain(t, in, 0, func(_ int, b *bench) {
						b.tiring("t.act", nth)
						b.does("t.bad", forbidden)
						b.undoes("t.act")
					})
					last := runs[len(runs)-1]
					if got := last.state().Outcome; got != test.want || len(undos(all(runs))) != test.undone {
						t.Fatalf("turned %t, %d runs: %q, %q", turned, len(runs), got, all(runs))
					}
					if d := cmp.Diff(activities.StepDone, last.step("seal").Status); d != "" {
						t.Fatal(d)
					}
				})
			}
		}
	}
}
