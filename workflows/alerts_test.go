package workflows_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/workflows"
)

func TestAnAlertInTheLastTaskIsCounted(t *testing.T) {
	b := newBench(t)
	b.does("t.act", func(path string, attempt int32, in json.RawMessage) (any, error) {
		b.SignalWorkflowSkippingWorkflowTask(workflows.AlertSignal, plan.Alert{ID: "late"})
		return ok("done")(path, attempt, in)
	})
	b.ExecuteWorkflow(workflows.CaseWorkflow, workflows.Input{Cluster: "lab", Plan: plan.Plan{
		Name: "test", Steps: []plan.Step{use("act", "t.act")}, Outputs: []plan.Entry{expr("alerts", "run.alerts")},
	}})
	var result workflows.Result
	if err := b.GetWorkflowResult(&result); err != nil {
		t.Fatal(err)
	}
	if result.Alerts != 1 || result.Outputs["alerts"] != 1.0 {
		t.Fatalf("%+v", result)
	}
}

func TestTheStateStaysSmallWhateverIsSignalled(t *testing.T) {
	b := newBench(t)
	b.does("t.act", forbidden) // the case is held while the alerts come
	b.RegisterDelayedCallback(func() {
		for range 30 {
			b.SignalWorkflow(workflows.AlertSignal, plan.Alert{
				Rule: "Terminal shell", Fields: map[string]any{"proc.cmdline": strings.Repeat("x", 100<<10)},
			})
		}
	}, time.Minute)
	b.decides(time.Hour, workflows.Decision{Path: "act", Action: workflows.SkipStep, Reason: "enough", By: "ann"})
	b.start([]plan.Step{use("act", "t.act")}, nil)
	if err := b.GetWorkflowError(); err != nil {
		t.Fatal(err)
	}
	state := b.state()
	raw, err := json.Marshal(state)
	if err != nil || len(raw) > 200<<10 || state.Alerts != 30 {
		t.Fatalf("%v: %d alerts in %d bytes", err, state.Alerts, len(raw))
	}
	if mark, _ := state.Joined[0].Fields[plan.CutMark].(string); !strings.Contains(mark, "proc.cmdline") {
		t.Fatalf("what was cut is not told: %+v", state.Joined[0])
	}
}
