package workflows_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/workflows"
)

// A case with more outputs than one activity's input may hold still gets a report, without the largest of them.
func TestALargeRecordIsHandedOverWithoutItsLargestOutputs(t *testing.T) {
	b := newBench(t)
	b.does("t.small", ok("small"))
	b.does("t.large", func(path string, attempt int32, in json.RawMessage) (any, error) {
		return map[string]any{"status": "done", "summary": path, "text": strings.Repeat("x", 60<<10)}, nil
	})
	b.does("t.report", ok("reported"))
	steps := []plan.Step{use("small", "t.small")}
	for i := range 20 {
		steps = append(steps, use(fmt.Sprintf("large%d", i), "t.large"))
	}
	report := use("report", "t.report")
	report.Uses.With = plan.Value{Map: []plan.Entry{expr("record", "run.record")}}
	b.start(steps, []plan.Step{report})
	if s := b.step("report"); s.Status != activities.StepDone {
		t.Fatalf("the report is %s: %s", s.Status, s.Error)
	}
	var in struct{ Record activities.Record }
	if err := json.Unmarshal([]byte(b.inputs["report"]), &in); err != nil {
		t.Fatal(err)
	}
	kept := 0
	for _, s := range in.Record.Steps {
		if s.Output != nil {
			kept++
		}
	}
	if len(b.inputs["report"]) > workflows.MaxInput || len(in.Record.Steps) != 22 || kept < 15 || in.Record.Steps[0].Output == nil {
		t.Errorf("%d bytes, %d steps, %d outputs", len(b.inputs["report"]), len(in.Record.Steps), kept)
	}
}
