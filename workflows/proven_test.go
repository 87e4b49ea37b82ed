package workflows_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/workflows"
	"github.com/firebreak-ir/firebreak/workflows/authority"
)

// says lets a person send a signed signal after a while. change spoils it after it was signed.
func (b *bench) says(after time.Duration, who, name string, data map[string]any, change func(*workflows.Note)) {
	b.RegisterDelayedCallback(func() {
		n := workflows.Note{Signal: plan.Signal{Name: name, By: who, Data: data}}
		d := n.Claim(b.state().Case)
		d.Nonce, d.At = fmt.Sprint(who, after), b.Now()
		_, private := voterKey(who)
		d = authority.Sign(d, who, private)
		n.Signed = &d
		change(&n)
		b.SignalWorkflow(workflows.NoteSignal, n)
	}, after)
}

func TestSignalsAreProvenWhereTheCaseKnowsItsPeople(t *testing.T) {
	data := map[string]any{"ok": true}
	tests := []struct {
		name   string
		who    string
		change func(*workflows.Note)
		counts bool
	}{
		{"hers", "eve", func(*workflows.Note) {}, true},
		{"nobody signed", "ann", func(n *workflows.Note) { n.Signed = nil }, false},
		{"in another's name", "eve", func(n *workflows.Note) { n.By = "ann" }, false},
		{"other data", "ann", func(n *workflows.Note) { n.Data = map[string]any{"ok": "really"} }, false},
		{"another name", "ann", func(n *workflows.Note) { n.Name = "other" }, false},
		{"a stranger", "zoe", func(*workflows.Note) {}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t)
			b.says(time.Minute, test.who, "vendor", data, test.change)
			until := source("size(signals) > 0")
			in := asking(func(*plan.Approve, *workflows.Input) {})
			in.Plan.Steps = []plan.Step{block("hear", func(s *plan.Step) { s.Wait = &plan.Wait{Until: &until, For: time.Hour, OnTimeout: "continue"} })}
			b.ExecuteWorkflow(workflows.CaseWorkflow, in)
			output, _ := b.step("hear").Output.(map[string]any)
			if output["met"] != test.counts || (b.state().Unproven == 0) != test.counts {
				t.Fatalf("%v, %d not counted", output, b.state().Unproven)
			}
		})
	}
}

func TestASignalIsHeardOnce(t *testing.T) {
	b := newBench(t)
	var first workflows.Note
	b.says(time.Minute, "ann", "vendor", nil, func(n *workflows.Note) { first = *n })
	b.RegisterDelayedCallback(func() { b.SignalWorkflow(workflows.NoteSignal, first) }, 2*time.Minute)
	in := asking(func(*plan.Approve, *workflows.Input) {})
	in.Plan.Steps = []plan.Step{block("hear", func(s *plan.Step) { s.Wait = &plan.Wait{For: 10 * time.Minute} })}
	b.ExecuteWorkflow(workflows.CaseWorkflow, in)
	if s := b.state(); len(s.Signals) != 1 || s.Unproven != 1 {
		t.Fatalf("%+v, %d not counted", s.Signals, s.Unproven)
	}
}

// TestADecisionIsTakenOnce asks twice: a decision that anybody could read in the history is no answer to the second time.
func TestADecisionIsTakenOnce(t *testing.T) {
	b := newBench(t)
	in := asking(func(a *plan.Approve, in *workflows.Input) {
		a.Timeout = 2 * time.Minute
		in.Plan.Approvers[0].Quorum = 2
	})
	var sent authority.Decision
	first := b.votes(time.Minute, "ann", "contain", func(d *authority.Decision) {
		_, private := voterKey("ann")
		*d = authority.Sign(*d, "ann", private)
		sent = *d
	})
	b.retries(3*time.Minute, "bob", "triage")
	again := &updated{}
	b.RegisterDelayedCallback(func() { b.UpdateWorkflow(workflows.ApproveUpdate, "another id", again, sent) }, 4*time.Minute)
	b.asks(in)
	if first.refused != nil {
		t.Fatal(first.refused)
	}
	if again.refused == nil || !strings.Contains(again.refused.Error(), "taken already") {
		t.Fatal(again.refused)
	}
}

// retries lets a person have a held step run again.
func (b *bench) retries(after time.Duration, who, path string) {
	b.RegisterDelayedCallback(func() {
		d := workflows.Decision{Path: path, Action: workflows.RetryStep, By: who}
		s := authority.Decision{Case: b.state().Case, Step: path, Choice: "retry", Subject: who, Nonce: fmt.Sprint("retry", after), At: b.Now()}
		_, private := voterKey(who)
		s = authority.Sign(s, who, private)
		d.Signed = &s
		b.UpdateWorkflow(workflows.DecideUpdate, s.Nonce, &updated{}, d)
	}, after)
}

func TestWhoHasItAskedAgainIsARequester(t *testing.T) {
	b := newBench(t)
	in := asking(func(a *plan.Approve, _ *workflows.Input) { a.Timeout = 2 * time.Minute })
	b.retries(3*time.Minute, "ann", "triage")
	own := b.votes(4*time.Minute, "ann", "contain")
	other := b.votes(4*time.Minute+time.Second, "bob", "contain")
	output := b.asks(in)
	if own.refused == nil || !strings.Contains(own.refused.Error(), "ann asked for this run") || other.refused != nil || output["by"] != "bob" {
		t.Fatalf("%v, %v, %v", own.refused, other.refused, output)
	}
}
