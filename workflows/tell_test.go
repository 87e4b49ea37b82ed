package workflows_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/workflows"
)

// message is what notify.send is told.
type message struct {
	Title string `json:"title"`
	About string `json:"about"`
	To    struct {
		Circles  []string `json:"circles"`
		Groups   []string `json:"groups"`
		Subjects []string `json:"subjects"`
	} `json:"to"`
}

func TestAHoldTellsThoseWhoMayDecide(t *testing.T) {
	b := newBench(t)
	var told []message
	b.does(workflows.Notify, func(_ string, _ int32, in json.RawMessage) (any, error) {
		var m message
		err := json.Unmarshal(in, &m)
		told = append(told, m)
		return map[string]any{"status": "done"}, err
	})
	b.does("t.bad", forbidden)
	in := asking(func(_ *plan.Approve, in *workflows.Input) {
		in.Notify, in.Plan.Approvers[1].Subjects = true, []string{"zoe"}
	})
	in.Plan.Steps = []plan.Step{use("risky", "t.bad")}
	b.retries(time.Minute, "ann", "risky") // it fails again, and people are told again
	b.RegisterDelayedCallback(func() { b.CancelWorkflow() }, time.Hour)
	b.ExecuteWorkflow(workflows.CaseWorkflow, in)
	var want message
	want.Title, want.About = "test is held", "risky"
	want.To.Circles, want.To.Groups, want.To.Subjects = []string{"responders", "ir-lead", "ir-manager"}, []string{"ir-leads", "ir-managers"}, []string{"zoe"}
	if d := cmp.Diff([]message{want, want}, told); d != "" {
		t.Fatal(d)
	}
}

func TestAWebhookThatIsDownDelaysNothing(t *testing.T) {
	b := newBench(t)
	b.does(workflows.Notify, broken)
	u := b.votes(time.Second, "ann", "contain")
	b.asks(asking(func(_ *plan.Approve, in *workflows.Input) { in.Notify = true }))
	s := b.state()
	if u.refused != nil || s.Status != workflows.Completed || b.step("after").Status != activities.StepDone {
		t.Fatalf("%v, %s", u.refused, s.Status)
	}
	if took := s.Ended.Sub(s.Started); took > 10*time.Second {
		t.Errorf("the case waited %s for its messages", took)
	}
}
