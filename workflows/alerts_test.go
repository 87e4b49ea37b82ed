package workflows_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
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

// TestTheRecordNamesTheAlertsThatJoined looks at what reports and exports are given, which outlives the case's history.
func TestTheRecordNamesTheAlertsThatJoined(t *testing.T) {
	runs := chain(t, planned([]plan.Step{use("act", "t.act")}, []plan.Step{use("report", "t.report", with(expr("record", "run.record")))}), 30*time.Second,
		func(run int, b *bench) {
			b.does("t.act", forbidden)
			b.does("t.report", ok("done"))
			if run > 2 {
				b.SetCurrentHistoryLength(0)
				b.decides(10*time.Second, workflows.Decision{Path: "act", Action: workflows.SkipStep, Reason: "enough", By: "ann"})
				return
			}
			for i := range 9 {
				b.RegisterDelayedCallback(func() {
					b.SignalWorkflow(workflows.AlertSignal, plan.Alert{
						ID: fmt.Sprint(run, i), Rule: "Shell " + strings.Repeat("x", 1000), Target: plan.Target{Namespace: "shop", Pod: "web-1"},
					})
				}, time.Duration(i)*4*time.Second)
			}
		})
	last := runs[len(runs)-1]
	var in struct{ Record activities.Record }
	if err := json.Unmarshal([]byte(last.inputs["report"]), &in); err != nil {
		t.Fatal(err)
	}
	got := in.Record.Further
	if in.Record.Alerts != 27 || len(got) != 20 || got[0].ID != "0 1" || got[19].ID != "2 2" || got[0].Target != "shop/web-1" || got[0].At.IsZero() {
		t.Fatalf("%d alerts, %d are named: %+v", in.Record.Alerts, len(got), got)
	}
	if raw, err := json.Marshal(got); err != nil || len(raw) > 20*1500 {
		t.Errorf("%d bytes, %v", len(raw), err)
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
