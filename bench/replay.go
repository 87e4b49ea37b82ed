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

// replay runs the history of a 300-step case through the interpreter again.
func replay(ctx context.Context, w *world) ([]row, error) {
	p, err := compiled(300)
	if err != nil {
		return nil, err
	}
	_, id, err := w.interpret(ctx, p, 0)
	if err != nil {
		return nil, err
	}
	var history historypb.History
	events := w.Client().GetWorkflowHistory(ctx, id, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			return nil, err
		}
		history.Events = append(history.Events, event)
	}
	var rates []float64
	for range 20 {
		i, replayer := workflows.New(), sdkworker.NewWorkflowReplayer()
		replayer.RegisterWorkflowWithOptions(i.Case, workflow.RegisterOptions{Name: workflows.CaseWorkflow})
		began := time.Now()
		if err := replayer.ReplayWorkflowHistory(log.NewStructuredLogger(slog.New(slog.NewTextHandler(io.Discard, nil))), &history); err != nil {
			return nil, err
		}
		rates = append(rates, float64(len(history.Events))/time.Since(began).Seconds())
	}
	rate := middle(rates)
	return []row{{
		fmt.Sprintf("replay of a history of %d events", len(history.Events)), fmt.Sprintf("%.0f events/s", rate), "≥ 100,000 events/s", rate >= 100_000,
	}}, nil
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
	return []row{{"compile a playbook of 100 steps", short(m), "≤ 50 ms", m <= 50*time.Millisecond}}, nil
}
