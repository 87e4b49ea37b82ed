package workflows_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/workflows"
)

// mostAnswered is what Temporal's server lets a query answer.
const mostAnswered = 2 << 20

// sized asks a query and wants an answer that Temporal's server takes.
func sized[T any](b *bench, name string, arg any) T {
	b.t.Helper()
	out := query[T](b, name, arg)
	raw, err := json.Marshal(out)
	if err != nil || len(raw) > mostAnswered*9/10 {
		b.t.Errorf("query %s %+v answers %d bytes, %v", name, arg, len(raw), err)
	}
	return out
}

// crowded is a case of 60 large changes and of 40 large questions that are open at once.
func crowded() workflows.Input {
	var asks []plan.Step
	for i := range 40 {
		asks = append(asks, block(fmt.Sprintf("ask%d", i), func(s *plan.Step) {
			s.Approve = &plan.Approve{
				Title: literal("Go on?"), From: "ir-lead", Choices: []string{"contain", "leave"},
				Show: []plan.Expr{source("alert.summary")},
			}
		}))
	}
	items := make([]plan.Value, 60)
	for i := range items {
		items[i] = literal(fmt.Sprint(i))
	}
	in := asking(func(_ *plan.Approve, in *workflows.Input) { in.Alert.Summary = strings.Repeat("x", 60_000) })
	in.Plan.Steps = []plan.Step{
		block("names", func(s *plan.Step) {
			s.Set, s.Output = []plan.Entry{{Key: "list", Value: plan.Value{List: items}}}, "{list: [string]}"
		}),
		each("loop", "steps.names.output.list", plan.Foreach{Concurrency: 8, Do: []plan.Step{use("x", "t.act", undoable)}}),
		block("all", func(s *plan.Step) { s.Parallel = asks }),
	}
	return in
}

func TestALargeCaseAnswersInPages(t *testing.T) {
	b := newBench(t)
	dump := strings.Repeat("y", 60_000)
	b.does("t.act", func(string, int32, json.RawMessage) (any, error) {
		return map[string]any{"status": "done", "summary": "did it", "dump": dump}, nil
	})
	b.RegisterDelayedCallback(func() {
		waits := map[string]bool{}
		for next, pages := 0, 0; pages == 0 || next > 0; pages++ {
			page := sized[workflows.Waiting](b, workflows.WaitingQuery, next)
			for _, q := range page.Questions {
				waits[q.Step] = q.Shown != nil
			}
			next = page.Next
		}
		if len(waits) != 40 || !waits["all/ask0"] || !waits["all/ask39"] {
			t.Errorf("asked is %d", len(waits))
		}
		for _, bare := range []bool{false, true} {
			b.wholeInPages(bare)
		}
		b.CancelWorkflow()
	}, time.Minute)
	b.ExecuteWorkflow(workflows.CaseWorkflow, crowded())
	var done []string
	for {
		page := sized[[]workflows.Undoable](b, workflows.UndoQuery, len(done))
		if len(page) == 0 {
			break
		}
		for _, one := range page {
			done = append(done, one.Call.Step)
		}
	}
	if slices.Sort(done); len(slices.Compact(done)) != 60 {
		t.Errorf("%d changes", len(done))
	}
}

func (b *bench) wholeInPages(bare bool) {
	b.t.Helper()
	pages, long := 0, 0
	state, err := workflows.Gather(bare, func(l workflows.Look) (workflows.StatePage, error) {
		pages++
		return sized[workflows.StatePage](b, workflows.StateQuery, l), nil
	})
	for _, s := range state.Steps {
		if output, _ := s.Output.(map[string]any); output["dump"] != nil {
			long++
		}
	}
	if err != nil || pages < 2 || len(state.Steps) != 1+1+60+1+40 || len(state.Questions) != 40 || !bare && long != 60 {
		b.t.Errorf("bare %t: %v, %d pages, %d steps, %d of them with all they said, %d questions", bare, err, pages, len(state.Steps), long, len(state.Questions))
	}
	if !slices.Equal(state.Cut, []string{"what the questions show"}) {
		b.t.Errorf("without %q", state.Cut)
	}
}
