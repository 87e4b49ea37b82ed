package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/log"
	sdkworker "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/playbooks/compile"
	"github.com/firebreak-ir/firebreak/workflows"
)

// replay runs the history of a 300-step case through the interpreter again, in turns with that of the same job by hand.
func replay(ctx context.Context, w *world) ([]row, error) {
	p, err := compiled(300)
	if err != nil {
		return nil, err
	}
	_, id, err := w.interpret(ctx, p, 0)
	if err != nil {
		return nil, err
	}
	_, other, err := w.hand(ctx, 300, 0)
	if err != nil {
		return nil, err
	}
	interpreted, err := w.historyOf(ctx, id)
	if err != nil {
		return nil, err
	}
	hand, err := w.historyOf(ctx, other)
	if err != nil {
		return nil, err
	}
	var rates, rates2 []float64
	for range 20 {
		rate, err := replayed(interpreted)
		if err != nil {
			return nil, err
		}
		rate2, err := replayed(hand)
		if err != nil {
			return nil, err
		}
		rates, rates2 = append(rates, rate), append(rates2, rate2)
	}
	rate := middle(rates)
	return []row{
		{
			what:  fmt.Sprintf("replay of a history of %d events", len(interpreted.Events)),
			value: fmt.Sprintf("%.0f events/s", rate), limit: "≥ 100,000 events/s", holds: rate >= 100_000,
		},
		{what: "replay of the same job by hand, for comparison", value: fmt.Sprintf("%.0f events/s", middle(rates2))},
	}, nil
}

func (w *world) historyOf(ctx context.Context, id string) (*historypb.History, error) {
	history := &historypb.History{}
	events := w.Client().GetWorkflowHistory(ctx, id, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			return nil, err
		}
		history.Events = append(history.Events, event)
	}
	return history, nil
}

// replayed gives the events a second of one replay, on a clean heap.
func replayed(history *historypb.History) (float64, error) {
	i, replayer := workflows.New(), sdkworker.NewWorkflowReplayer()
	replayer.RegisterWorkflowWithOptions(i.Case, workflow.RegisterOptions{Name: workflows.CaseWorkflow})
	replayer.RegisterWorkflowWithOptions(byHand, workflow.RegisterOptions{Name: "ByHand"})
	runtime.GC()
	began := time.Now()
	err := replayer.ReplayWorkflowHistory(log.NewStructuredLogger(slog.New(slog.NewTextHandler(io.Discard, nil))), history)
	return float64(len(history.Events)) / time.Since(began).Seconds(), err
}

// compilePlaybook compiles a playbook of 100 steps.
func compilePlaybook(context.Context, *world) ([]row, error) {
	text, err := playbook(100)
	if err != nil {
		return nil, err
	}
	var times []time.Duration
	for range rounds {
		runtime.GC()
		began := time.Now()
		if _, problems := compile.Compile("bench.yaml", text, catalog()); len(problems) > 0 {
			return nil, problems[0]
		}
		times = append(times, time.Since(began))
	}
	m := middle(times)
	return []row{{what: "compile a playbook of 100 steps", value: short(m), limit: "≤ 50 ms", holds: m <= 50*time.Millisecond}}, nil
}
