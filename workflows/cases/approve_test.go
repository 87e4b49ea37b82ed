package cases_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/activities/notify"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/workflows"
	"github.com/firebreak-ir/firebreak/workflows/authority"
	"github.com/firebreak-ir/firebreak/workflows/cases"
)

// TestPeopleDecideOnARealTemporal asks two of three people, who are told and reminded meanwhile, refuses whoever may not
// answer, and records the history for the replay test.
func TestPeopleDecideOnARealTemporal(t *testing.T) {
	w := newWorld(t)
	w.more = []activities.Definition{notify.Send(notify.Targets{})}
	w.works()
	in := input(w.cluster, plan.Step{ID: "triage", Path: "triage", Phase: "coordinate", OnError: plan.Hold, Approve: &plan.Approve{
		Title: plan.Value{Literal: "Contain?"}, From: "ir-lead", Choices: []string{"contain", "false-positive"},
		Show: []plan.Expr{{Source: "alert.rule"}, {Source: "plan.diff"}}, Timeout: time.Hour, Remind: time.Second,
		Escalate: []plan.Escalation{{After: 2 * time.Second, To: "ir-manager"}},
	}}, mark("first"))
	in.Plan.Approvers = []plan.Approver{
		{Name: "ir-lead", Groups: []string{"ir-leads"}, Quorum: 2, NotRequester: true},
		{Name: "ir-manager", Groups: []string{"ir-managers"}, Quorum: 1},
	}
	in.By, in.Notify, in.Authority = "cas", true, known("ann ir-leads", "bob ir-leads", "cas ir-leads", "eve sales")
	started, err := w.Start(t.Context(), plan.WorkflowID("test", "asks"), in)
	if err != nil {
		t.Fatal(err)
	}
	of := cases.Case{ID: started.Case, Workflow: started.Workflow, Run: started.Run}
	view := w.until(of, "asked, reminded and escalated", func(v cases.View) bool {
		return len(v.Questions) == 1 && len(v.Questions[0].Circles) == 2
	})
	q := view.Questions[0]
	if shown := fmt.Sprint(q.Shown); !strings.Contains(shown, "marked first") { // the lab's activity knows no dry run
		t.Errorf("the change ahead is not shown: %s", shown)
	}
	w.refused(t, of, q, "eve", cases.ErrNotAllowed, "eve is none of those who are asked")
	w.refused(t, of, q, "cas", cases.ErrNotAllowed, "cas asked for this run")
	first := w.voted(t, of, q, "ann")
	if err := w.Approve(t.Context(), of, first); err != nil { // the same update: it is answered, and not counted
		t.Errorf("a repetition is an error: %v", err)
	}
	replayed := first
	replayed.Nonce = "other"
	if err := w.Approve(t.Context(), of, replayed); !errors.Is(err, cases.ErrNotAllowed) || !strings.Contains(err.Error(), authority.ErrForged.Error()) {
		t.Errorf("got %v", err)
	}
	w.voted(t, of, q, "bob")
	last := w.until(of, "closed", closed)
	output, _ := last.Steps[0].Output.(map[string]any)
	if output["choice"] != "contain" || output["by"] != "ann, bob" || output["hash"] != q.Hash || last.Steps[1].Status != activities.StepDone {
		t.Fatalf("%+v", last.Steps)
	}
	w.replays(t, of, "approved")
}

// known is an authority of people, each given as name and group.
func known(people ...string) *authority.Authority {
	a := &authority.Authority{}
	for _, p := range people {
		name, group, _ := strings.Cut(p, " ")
		public, _ := personKey(name).Public().(ed25519.PublicKey)
		a.Keys = append(a.Keys, authority.Key{ID: name, Public: base64.StdEncoding.EncodeToString(public), Subject: name, Groups: []string{group}})
	}
	return a
}

func personKey(name string) ed25519.PrivateKey {
	seed := make([]byte, ed25519.SeedSize)
	copy(seed, name)
	return ed25519.NewKeyFromSeed(seed)
}

func votes(of cases.Case, q *workflows.Question, who string) authority.Decision {
	return authority.Sign(authority.Decision{
		Case: of.ID, Step: q.Step, Choice: "contain", Comment: "seen it", Subject: who, Shown: q.Hash, Nonce: "of " + who, At: time.Now().UTC(),
	}, who, personKey(who))
}

func (w *world) voted(t *testing.T, of cases.Case, q *workflows.Question, who string) authority.Decision {
	t.Helper()
	d := votes(of, q, who)
	if err := w.Approve(t.Context(), of, d); err != nil {
		t.Fatal(err)
	}
	return d
}

func (w *world) refused(t *testing.T, of cases.Case, q *workflows.Question, who string, want error, why string) {
	t.Helper()
	err := w.Approve(t.Context(), of, votes(of, q, who))
	if !errors.Is(err, want) || !errors.Is(err, cases.ErrRefused) || !strings.Contains(err.Error(), why) {
		t.Errorf("got %v", err)
	}
}
