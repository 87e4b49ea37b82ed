package workflows_test

import (
	"strings"
	"testing"
	"time"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/workflows"
)

func TestTheCaseOfAScheduleIsALabelValue(t *testing.T) {
	id := plan.WorkflowID(strings.Repeat("p", plan.MaxName), "weekly@lab")
	first := workflows.CaseID(id+"-2026-07-01T10:00:00Z", "0197c0de-aaaa-7bbb-8ccc-1234567890ab")
	if len(first) != 63 || strings.Contains(first, ":") || first != id+".567890ab" {
		t.Fatalf("%s has %d characters", first, len(first))
	}
	if again := workflows.CaseID(id+"-2026-07-08T10:00:00Z", "0197c0de-aaaa-7bbb-8ccc-1234567890ac"); again == first {
		t.Fatal("two runs are one case")
	}
	if other := workflows.CaseID(id+"-2026", "0197c0de-aaaa-7bbb-8ccc-1234567890ab"); other != id+"-2026.567890ab" {
		t.Fatal(other)
	}
}

func TestASchedulesRunDatesAndCountsItsAlert(t *testing.T) {
	b := newBench(t)
	b.does("t.act", ok("done"))
	in := planned([]plan.Step{use("act", "t.act", with(expr("at", "alert.time")))}, nil)
	in.Trigger, in.Plan.Triggers = "weekly", []plan.Trigger{{ID: "weekly", Schedule: &plan.ScheduleTrigger{}}}
	b.SetStartTime(time.Date(2026, 9, 1, 10, 0, 0, 0, time.UTC))
	b.ExecuteWorkflow(workflows.CaseWorkflow, in)
	if err := b.GetWorkflowError(); err != nil || b.state().Alerts != 1 || !strings.Contains(b.inputs["act"], "2026-09-01T10:00:00Z") {
		t.Fatalf("%v, %d alerts, %s", err, b.state().Alerts, b.inputs["act"])
	}
}
