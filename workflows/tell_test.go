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

// holding is a case of which a step stays held until it is skipped after that time. heard is when people were told, as far as the
// notifier was up then.
func (b *bench) holding(until time.Duration, up func(time.Duration) bool) (heard []time.Duration, titles []string) {
	b.t.Helper()
	begin := b.Now()
	b.does(workflows.Notify, func(path string, n int32, in json.RawMessage) (any, error) {
		if since := b.Now().Sub(begin); !up(since) {
			return broken(path, n, in)
		}
		var m message
		err := json.Unmarshal(in, &m)
		heard, titles = append(heard, b.Now().Sub(begin).Round(time.Minute)), append(titles, m.Title)
		return map[string]any{"status": "done"}, err
	})
	b.does("t.bad", forbidden)
	in := planned([]plan.Step{use("risky", "t.bad")}, nil)
	in.Notify = true
	u := b.decides(until, workflows.Decision{Path: "risky", Action: workflows.SkipStep, Reason: "known", By: "ann"})
	b.ExecuteWorkflow(workflows.CaseWorkflow, in)
	if u.refused != nil || b.GetWorkflowError() != nil {
		b.t.Fatalf("%v, %v", u.refused, b.GetWorkflowError())
	}
	return heard, titles
}

func TestAHoldIsRemindedOfWhileItLasts(t *testing.T) {
	heard, titles := newBench(t).holding(13*time.Hour, func(time.Duration) bool { return true })
	if d := cmp.Diff([]time.Duration{0, 4 * time.Hour, 8 * time.Hour, 12 * time.Hour}, heard); d != "" {
		t.Fatal(d)
	}
	if d := cmp.Diff([]string{"test is held", "test is still held", "test is still held", "test is still held"}, titles); d != "" {
		t.Fatal(d)
	}
}

func TestAHoldOfWhichNobodyCouldBeToldIsToldAgainSoon(t *testing.T) {
	b := newBench(t)
	heard, titles := b.holding(8*time.Hour, func(at time.Duration) bool { return at > time.Hour })
	if len(heard) != 2 || heard[0] > 2*time.Hour || heard[1] != heard[0]+4*time.Hour || titles[0] != "test is held" {
		t.Fatalf("told at %s: %q", heard, titles)
	}
	if n := b.calls(workflows.Notify); n > 50 {
		t.Errorf("%d attempts", n)
	}
}

// TestReminderOutlivesARun leaves the run of a held case again and again: people are told as often as in one run.
func TestReminderOutlivesARun(t *testing.T) {
	var titles []string
	in := planned([]plan.Step{use("risky", "t.bad")}, nil)
	in.Notify = true
	begin := time.Time{}
	runs := chain(t, in, 0, func(run int, b *bench) {
		if run == 0 {
			begin = b.Now()
		} else {
			b.SetStartTime(begin.Add(time.Duration(run) * time.Hour))
		}
		b.does("t.bad", forbidden)
		b.does(workflows.Notify, func(_ string, _ int32, in json.RawMessage) (any, error) {
			var m message
			err := json.Unmarshal(in, &m)
			titles = append(titles, m.Title)
			return map[string]any{"status": "done"}, err
		})
		b.RegisterDelayedCallback(func() {
			if run == 9 {
				b.UpdateWorkflow(workflows.DecideUpdate, "", &updated{}, workflows.Decision{Path: "risky", Action: workflows.SkipStep, Reason: "known", By: "ann"})
				return
			}
			b.SetCurrentHistoryLength(4000)
			b.SignalWorkflow(workflows.AlertSignal, plan.Alert{Rule: "more"})
		}, time.Hour)
	})
	if d := cmp.Diff([]string{"test is held", "test is still held", "test is still held"}, titles); d != "" || len(runs) != 10 {
		t.Fatalf("%d runs: %s", len(runs), d)
	}
}
