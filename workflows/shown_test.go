package workflows_test

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/workflows"
	"github.com/firebreak-ir/firebreak/workflows/authority"
)

func sha(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// TestTheHashIsOfWhatWasShown: anybody can compute it again from the title, the choices and what is shown.
func TestTheHashIsOfWhatWasShown(t *testing.T) {
	for rule, want := range map[string]string{
		"Terminal shell": sha(`{"choices":["contain","false-positive"],"shown":{"alert.rule":"Terminal shell"},"title":"Contain?"}`),
		"Crypto mining":  sha(`{"choices":["contain","false-positive"],"shown":{"alert.rule":"Crypto mining"},"title":"Contain?"}`),
	} {
		t.Run(rule, func(t *testing.T) {
			b := newBench(t)
			var asked string
			b.RegisterDelayedCallback(func() { asked = b.state().Questions[0].Hash }, time.Second)
			b.votes(time.Minute, "ann", "contain")
			output := b.asks(asking(func(_ *plan.Approve, in *workflows.Input) { in.Alert.Rule = rule }))
			if asked != want || output["hash"] != want {
				t.Fatalf("asked %s, output %v, want %s", asked, output["hash"], want)
			}
		})
	}
}

func TestTheHashOfAGuardsQuestionIsOfItsTargets(t *testing.T) {
	b := newBench(t)
	b.does("t.act", ok("done"))
	(&estate{}).serve(b)
	var asked string
	b.RegisterDelayedCallback(func() { asked = b.state().Questions[0].Hash }, time.Second)
	b.answers(time.Minute, "a/guards", "approve", "ann", "")
	b.guarded(upTo(1), []plan.Step{use("a", "t.act", undoable, onPods("p1", "p2"))}, leads)
	want := sha(`{"choices":["approve","reject"],"shown":{"activity":"t.act","rules":["maxTargets.pods"],"targets":["pod/shop/p1","pod/shop/p2"],` +
		`"why":"2 pods are more than the 1 that one run may change"},"title":"Guard maxTargets.pods at a: let it through?"}`)
	if asked != want || b.GetWorkflowError() != nil {
		t.Fatalf("asked %s, want %s: %v", asked, want, b.GetWorkflowError())
	}
}

// TestPeopleWhoAreNamedThemselvesDecide: eve is in none of the groups, and max is not named.
func TestPeopleWhoAreNamedThemselvesDecide(t *testing.T) {
	owners := func(in *workflows.Input) {
		in.Plan.Approvers = []plan.Approver{{Name: "ir-lead", Subjects: []string{"eve"}, Quorum: 1}}
		in.Authority.Responders = nil
	}
	t.Run("on an approval", func(t *testing.T) {
		b := newBench(t)
		other := b.votes(time.Minute, "max", "contain")
		named := b.votes(2*time.Minute, "eve", "contain")
		output := b.asks(asking(func(_ *plan.Approve, in *workflows.Input) { owners(in) }))
		if other.refused == nil || !strings.Contains(other.refused.Error(), "max is none of those who are asked: ir-lead") || named.refused != nil || output["by"] != "eve" {
			t.Fatalf("%v, %v, %v", other.refused, named.refused, output)
		}
	})
	t.Run("on a held step", func(t *testing.T) {
		b := newBench(t)
		b.does("t.bad", forbidden)
		in := asking(func(_ *plan.Approve, in *workflows.Input) { owners(in) })
		in.Plan.Steps = []plan.Step{use("risky", "t.bad")}
		skip := func(after time.Duration, who string) *updated {
			u := &updated{}
			b.RegisterDelayedCallback(func() {
				d := workflows.Decision{Path: "risky", Action: workflows.SkipStep, By: who, Reason: "seen it"}
				_, private := voterKey(who)
				s := authority.Sign(authority.Decision{
					Case: b.state().Case, Step: d.Path, Choice: "skip", Comment: d.Reason, Subject: who, Nonce: who, At: b.Now(),
				}, who, private)
				d.Signed = &s
				b.UpdateWorkflow(workflows.DecideUpdate, s.Nonce, u, d)
			}, after)
			return u
		}
		other, named := skip(time.Minute, "max"), skip(2*time.Minute, "eve")
		b.ExecuteWorkflow(workflows.CaseWorkflow, in)
		if other.refused == nil || !strings.Contains(other.refused.Error(), "max is neither a responder nor one of the playbook's approvers") || named.refused != nil || named.failed != nil {
			t.Fatalf("%v, %v, %v", other.refused, named.refused, named.failed)
		}
	})
}
