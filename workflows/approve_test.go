package workflows_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/workflows"
	"github.com/firebreak-ir/firebreak/workflows/authority"
)

// voterKey gives a person's key pair.
func voterKey(name string) (public string, private ed25519.PrivateKey) {
	seed := make([]byte, ed25519.SeedSize)
	copy(seed, name)
	private = ed25519.NewKeyFromSeed(seed)
	key, _ := private.Public().(ed25519.PublicKey)
	return base64.StdEncoding.EncodeToString(key), private
}

// people are ann and bob, who lead; max, who manages; and eve, who is neither.
func people() *authority.Authority {
	a := &authority.Authority{Responders: []string{"ir-leads"}}
	for _, p := range []struct{ name, group string }{{"ann", "ir-leads"}, {"bob", "ir-leads"}, {"max", "ir-managers"}, {"eve", "sales"}} {
		public, _ := voterKey(p.name)
		a.Keys = append(a.Keys, authority.Key{ID: p.name, Public: public, Subject: p.name, Groups: []string{p.group}})
	}
	return a
}

// asking is a case that asks before it goes on.
func asking(change func(*plan.Approve, *workflows.Input)) workflows.Input {
	a := &plan.Approve{
		Title: literal("Contain?"), From: "ir-lead", Choices: []string{"contain", "false-positive"},
		Show: []plan.Expr{source("alert.rule")},
	}
	in := planned([]plan.Step{
		block("triage", func(s *plan.Step) {
			s.Approve = a
			s.Output = "{choice: string, by: string, comment: string, hash: string, automatic: string, at: time, votes: [{by: string, choice: string, comment: string, at: time}]}"
		}),
		use("after", "t.act", with(expr("choice", "steps.triage.output.choice"))),
	}, nil)
	in.Plan.Approvers = []plan.Approver{
		{Name: "ir-lead", Groups: []string{"ir-leads"}, Quorum: 1, NotRequester: true},
		{Name: "ir-manager", Groups: []string{"ir-managers"}, Quorum: 1},
	}
	in.Authority = people()
	change(a, &in)
	return in
}

// votes lets a person decide after a while. change spoils the decision after it was made, and before it is signed.
func (b *bench) votes(after time.Duration, who, choice string, change ...func(*authority.Decision)) *updated {
	u := &updated{}
	b.RegisterDelayedCallback(func() {
		state := b.state()
		d := authority.Decision{Case: state.Case, Step: "triage", Choice: choice, Subject: who, Comment: "seen it", At: b.Now(), Nonce: fmt.Sprint(who, after)}
		for _, q := range state.Questions {
			d.Shown = q.Hash
		}
		for _, c := range change {
			c(&d)
		}
		if d.KeyID == "" {
			_, private := voterKey(who)
			d = authority.Sign(d, who, private)
		}
		b.UpdateWorkflow(workflows.ApproveUpdate, d.Nonce, u, d)
	}, after)
	return u
}

func (b *bench) asks(in workflows.Input) map[string]any {
	b.t.Helper()
	b.does("t.act", ok("done"))
	b.ExecuteWorkflow(workflows.CaseWorkflow, in)
	output, _ := b.step("triage").Output.(map[string]any)
	return output
}

func TestADecisionIsTheStepsOutput(t *testing.T) {
	b := newBench(t)
	u := b.votes(time.Minute, "ann", "contain")
	output := b.asks(asking(func(*plan.Approve, *workflows.Input) {}))
	if u.refused != nil || u.failed != nil {
		t.Fatal(u)
	}
	hash, _ := output["hash"].(string)
	votes, _ := output["votes"].([]any)
	if output["choice"] != "contain" || output["by"] != "ann" || output["comment"] != "seen it" || len(hash) != 64 || output["automatic"] != "" || len(votes) != 1 {
		t.Fatalf("%v", output)
	}
	state := b.state()
	if len(state.Questions) != 0 || len(state.Decided) != 1 || state.Decided[0].By != "ann" || state.Decided[0].Why != "seen it" {
		t.Fatalf("%+v %+v", state.Questions, state.Decided)
	}
	if b.inputs["after"] != `{"choice":"contain"}` {
		t.Fatal(b.inputs["after"])
	}
}

func TestTheValidatorRefuses(t *testing.T) {
	tests := []struct {
		name   string
		who    string
		change func(*authority.Decision)
		wrong  string
	}{
		{"somebody who is not asked", "eve", nil, "eve is none of those who are asked"},
		{"somebody who is asked later", "max", nil, "max is none of those who are asked"},
		{"the requester", "bob", nil, "bob asked for this run"},
		{"a choice that is none", "ann", func(d *authority.Decision) { d.Choice = "maybe" }, `"maybe" is none of the choices: contain, false-positive`},
		{"another step", "ann", func(d *authority.Decision) { d.Step = "after" }, `it asks at ["triage"]`},
		{"another case", "ann", func(d *authority.Decision) { d.Case = "other" }, `about case "other"`},
		{"something else was shown", "ann", func(d *authority.Decision) { d.Shown = strings.Repeat("0", 64) }, "is not what is asked now"},
		{"nothing was looked at", "ann", func(d *authority.Decision) { d.Shown = "" }, "is not what is asked now"},
		{"in another's name", "ann", func(d *authority.Decision) { d.Subject = "bob" }, "that of ann, not of bob"},
		{"groups that she gives herself", "eve", func(d *authority.Decision) { d.Groups = []string{"ir-leads"} }, "eve is none of those"},
		{"an old decision", "ann", func(d *authority.Decision) { d.At = d.At.Add(-time.Hour) }, authority.ErrStale.Error()},
		{"no signature", "ann", func(d *authority.Decision) { d.KeyID = "ann" }, authority.ErrUnsigned.Error()},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t)
			change := test.change
			if change == nil {
				change = func(*authority.Decision) {}
			}
			u := b.votes(time.Minute, test.who, "contain", change)
			good := b.votes(2*time.Minute, "ann", "false-positive")
			output := b.asks(asking(func(_ *plan.Approve, in *workflows.Input) { in.By = "bob" }))
			if u.refused == nil || !strings.Contains(u.refused.Error(), test.wrong) {
				t.Fatalf("got %v", u.refused)
			}
			if good.refused != nil || output["choice"] != "false-positive" {
				t.Fatalf("%v %v", good.refused, output)
			}
		})
	}
}

func TestAQuorumNeedsDifferentPeopleOfOneMind(t *testing.T) {
	b := newBench(t)
	first := b.votes(time.Minute, "ann", "contain")
	twice := b.votes(2*time.Minute, "ann", "contain", func(d *authority.Decision) { d.Nonce = "again" })
	other := b.votes(3*time.Minute, "bob", "false-positive")
	third := b.votes(4*time.Minute, "cas", "contain")
	in := asking(func(_ *plan.Approve, in *workflows.Input) {
		in.Plan.Approvers[0].Quorum = 2
		public, _ := voterKey("cas")
		in.Authority.Keys = append(in.Authority.Keys, authority.Key{ID: "cas", Public: public, Subject: "cas", Groups: []string{"ir-leads"}})
	})
	output := b.asks(in)
	if first.refused != nil || other.refused != nil || third.refused != nil {
		t.Fatal(first.refused, other.refused, third.refused)
	}
	if twice.refused == nil || !strings.Contains(twice.refused.Error(), "ann has decided already") {
		t.Fatal(twice.refused)
	}
	if output["choice"] != "contain" || output["by"] != "ann, cas" {
		t.Fatalf("%v", output)
	}
}

func TestEscalationWidensWhoIsAskedAndRemindersAreSent(t *testing.T) {
	b := newBench(t)
	var told []string
	b.does(workflows.Notify, func(_ string, _ int32, in json.RawMessage) (any, error) {
		var m struct {
			Title string `json:"title"`
			To    struct {
				Circles []string `json:"circles"`
			} `json:"to"`
		}
		err := json.Unmarshal(in, &m)
		told = append(told, fmt.Sprintf("%s %s %v", b.Now().Sub(b.state().Started).Round(time.Second), m.Title, m.To.Circles))
		return map[string]any{}, err
	})
	early := b.votes(4*time.Minute, "max", "contain")
	late := b.votes(9*time.Minute+30*time.Second, "max", "contain")
	in := asking(func(a *plan.Approve, in *workflows.Input) {
		a.Remind, a.Timeout, a.OnTimeout = 3*time.Minute, 10*time.Minute, "contain"
		a.Escalate, in.Notify = []plan.Escalation{{After: 5 * time.Minute, To: "ir-manager"}}, true
	})
	output := b.asks(in)
	if early.refused == nil || late.refused != nil || output["by"] != "max" {
		t.Fatalf("%v %v %v", early.refused, late.refused, output)
	}
	want := []string{
		"0s test asks: Contain? [ir-lead]", "3m0s test still asks: Contain? [ir-lead]",
		"5m0s test asks, and nobody has decided: Contain? [ir-manager]", "6m0s test still asks: Contain? [ir-lead ir-manager]",
		"9m0s test still asks: Contain? [ir-lead ir-manager]",
	}
	if d := cmp.Diff(want, slices.Compact(told)); d != "" {
		t.Fatal(d)
	}
}

func TestATimeoutDoesWhatThePlaybookSays(t *testing.T) {
	for _, onTimeout := range []string{"contain", "hold", "", "fail"} {
		t.Run(onTimeout, func(t *testing.T) {
			b := newBench(t)
			skipped := b.decides(time.Hour, workflows.Decision{})
			_ = skipped
			output := b.asks(asking(func(a *plan.Approve, in *workflows.Input) {
				a.Timeout, a.OnTimeout = 10*time.Minute, onTimeout
			}))
			step := b.step("triage")
			switch onTimeout {
			case "contain":
				if output["choice"] != "contain" || output["automatic"] != "no decision within 10m0s" || output["by"] != "" {
					t.Fatalf("%v", output)
				}
				answeredBy(t, b, activities.Decided{Step: "triage", About: "Contain?", Choice: "contain", Why: "no decision within 10m0s", Automatic: true})
			case "fail":
				answeredBy(t, b, activities.Decided{Step: "triage", About: "Contain?", Choice: "fail", Why: "no decision within 10m0s", Automatic: true})
				if kind(t, b.GetWorkflowError()) != workflows.KindTimeout || b.calls("t.act") != 0 {
					t.Fatal(b.GetWorkflowError())
				}
			default:
				if step.Status != activities.StepHeld || step.Error != "no decision within 10m0s" || b.calls("t.act") != 0 {
					t.Fatalf("%+v", step)
				}
			}
		})
	}
}

func TestNobodyIsAskedWhereThePlaybookSaysSo(t *testing.T) {
	skip := source("alert.rule == 'Terminal shell'")
	tests := []struct {
		name   string
		change func(*plan.Approve, *workflows.Input)
		choice string
		why    string
	}{
		{"skipWhen", func(a *plan.Approve, _ *workflows.Input) { a.SkipWhen = &skip }, "contain", "auto-approved because alert.rule == 'Terminal shell'"},
		{"a drill", func(_ *plan.Approve, in *workflows.Input) { in.Mode = plan.Drill }, "contain", "answered by the policy for drills"},
		{"a drill with its own policy", func(a *plan.Approve, in *workflows.Input) { in.Mode, a.OnDrill = plan.Drill, "false-positive" }, "false-positive", "answered by the policy for drills"},
		{"a dry run", func(_ *plan.Approve, in *workflows.Input) { in.DryRun = true }, "contain", "assumed in a dry run"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t)
			output := b.asks(asking(test.change))
			if output["choice"] != test.choice || output["automatic"] != test.why || output["by"] != "" {
				t.Fatalf("%v", output)
			}
			answeredBy(t, b, activities.Decided{Step: "triage", About: "Contain?", Choice: test.choice, Why: test.why, Automatic: true})
		})
	}
}

// answeredBy expects one decision in the record, whenever it was.
func answeredBy(t *testing.T, b *bench, want activities.Decided) {
	t.Helper()
	got := b.state().Decided
	if len(got) != 1 || got[0].At.IsZero() {
		t.Fatalf("decided: %+v", got)
	}
	got[0].At = time.Time{}
	if diff := cmp.Diff(want, got[0]); diff != "" {
		t.Error(diff)
	}
}

func TestAnOpenQuestionEndsWithTheCase(t *testing.T) {
	b := newBench(t)
	u := &updated{}
	b.RegisterDelayedCallback(func() {
		d := workflows.Decision{Action: workflows.AbortCase, Reason: "enough", By: "ann"}
		_, private := voterKey("ann")
		signed := authority.Sign(authority.Decision{
			Case: b.state().Case, Choice: "abort", Comment: "enough", Subject: "ann", Nonce: "n", At: b.Now(),
		}, "ann", private)
		d.Signed = &signed
		b.UpdateWorkflow(workflows.DecideUpdate, "n", u, d)
	}, time.Minute)
	b.asks(asking(func(*plan.Approve, *workflows.Input) {}))
	if u.refused != nil || kind(t, b.GetWorkflowError()) != workflows.KindAborted || len(b.state().Questions) != 0 {
		t.Fatal(u.refused, b.GetWorkflowError(), b.state().Questions)
	}
}

func TestDecisionsAboutHeldStepsAreSignedToo(t *testing.T) {
	decide := func(who string, change func(*workflows.Decision, *authority.Decision)) func(*bench) (workflows.Decision, string) {
		return func(b *bench) (workflows.Decision, string) {
			d := workflows.Decision{Path: "risky", Action: workflows.SkipStep, Reason: "known", By: who}
			s := authority.Decision{Case: b.state().Case, Step: "risky", Choice: "skip", Comment: "known", Subject: who, Nonce: who, At: b.Now()}
			change(&d, &s)
			_, private := voterKey(who)
			s = authority.Sign(s, who, private)
			d.Signed = &s
			return d, s.Nonce
		}
	}
	none := func(*workflows.Decision, *authority.Decision) {}
	tests := []struct {
		name  string
		make  func(*bench) (workflows.Decision, string)
		wrong string
	}{
		{"a responder", decide("ann", none), ""},
		{"an approver of the playbook", decide("max", none), ""},
		{"neither", decide("eve", none), "neither a responder nor one of the playbook's approvers"},
		{"another reason than was signed", decide("ann", func(d *workflows.Decision, _ *authority.Decision) { d.Reason = "other" }), "not the one that was signed"},
		{"another action than was signed", decide("ann", func(d *workflows.Decision, _ *authority.Decision) { d.Action = workflows.AbortCase }), "not the one that was signed"},
		{"no signature", func(*bench) (workflows.Decision, string) {
			return workflows.Decision{Path: "risky", Action: workflows.SkipStep, Reason: "known", By: "ann"}, "n"
		}, authority.ErrUnsigned.Error()},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t)
			b.does("t.bad", forbidden)
			u := &updated{}
			b.RegisterDelayedCallback(func() {
				d, nonce := test.make(b)
				b.UpdateWorkflow(workflows.DecideUpdate, nonce, u, d)
			}, time.Minute)
			in := asking(func(*plan.Approve, *workflows.Input) {})
			in.Plan.Steps = []plan.Step{use("risky", "t.bad")}
			b.ExecuteWorkflow(workflows.CaseWorkflow, in)
			if test.wrong == "" && (u.refused != nil || b.step("risky").Status != activities.StepSkipped) {
				t.Fatal(u.refused)
			}
			if test.wrong != "" && (u.refused == nil || !strings.Contains(u.refused.Error(), test.wrong)) {
				t.Fatal(u.refused)
			}
		})
	}
}

func TestAQuestionIsNotAskedAnewInTheNextRun(t *testing.T) {
	var told int
	in := asking(func(a *plan.Approve, in *workflows.Input) {
		a.Timeout, a.OnTimeout, in.Notify = 10*time.Minute, "contain", true
		in.Plan.Approvers[0].Quorum = 2
	})
	begin := time.Time{}
	runs := chain(t, in, 0, func(run int, b *bench) {
		b.does("t.act", ok("done"))
		b.does(workflows.Notify, func(string, int32, json.RawMessage) (any, error) { told++; return map[string]any{}, nil })
		switch run {
		case 0:
			begin = b.Now()
			b.votes(time.Minute, "ann", "false-positive")
			b.RegisterDelayedCallback(func() {
				b.SetCurrentHistoryLength(4000)
				b.SignalWorkflow(workflows.AlertSignal, plan.Alert{Rule: "more"})
			}, 4*time.Minute)
		default:
			b.SetStartTime(begin.Add(4 * time.Minute))
			b.votes(time.Minute, "bob", "false-positive")
		}
	})
	last := runs[len(runs)-1]
	output, _ := last.step("triage").Output.(map[string]any)
	if len(runs) != 2 || told != 1 || output["choice"] != "false-positive" || output["by"] != "ann, bob" {
		t.Fatalf("%d runs, told %d times, %v, %v", len(runs), told, output, last.GetWorkflowError())
	}
}

func TestAnApprovalShowsTheChangesAhead(t *testing.T) {
	b := newBench(t)
	var dry []string
	b.RegisterDelayedCallback(func() {}, time.Second)
	b.does("t.change", func(path string, _ int32, in json.RawMessage) (any, error) {
		dry = append(dry, path)
		return map[string]any{"summary": "would isolate " + string(in)}, nil
	})
	in := asking(func(a *plan.Approve, _ *workflows.Input) { a.Show = []plan.Expr{source("plan.diff")} })
	in.Plan.Steps = append(in.Plan.Steps[:1],
		each("isolate", "['a', 'b']", plan.Foreach{Concurrency: 1, Do: []plan.Step{use("deny", "t.change", undoable, with(expr("pod", "item")))}}),
		use("unknown", "t.change", undoable, with(expr("pod", "steps.isolate.items[0].deny.output.summary"))),
		use("not", "t.change", undoable, iff("alert.rule == 'x'")),
		block("second", func(s *plan.Step) {
			s.Approve = &plan.Approve{Title: literal("?"), From: "ir-lead", Choices: []string{"approve"}}
		}),
		use("beyond", "t.change", undoable),
	)
	var shown map[string]any
	b.RegisterDelayedCallback(func() {
		for _, q := range b.state().Questions {
			shown, _ = q.Shown.(map[string]any)
		}
	}, time.Minute)
	b.ExecuteWorkflow(workflows.CaseWorkflow, in)
	diff, _ := shown["plan.diff"].([]any)
	var got []string
	for _, d := range diff {
		m, _ := d.(map[string]any)
		got = append(got, fmt.Sprint(m["step"], ": ", m["summary"]))
	}
	want := []string{`isolate[0]/deny: would isolate {"pod":"a"}`, `isolate[1]/deny: would isolate {"pod":"b"}`, "unknown: what it acts on is not known yet"}
	if d := cmp.Diff(want, got); d != "" || len(dry) != 2 {
		t.Fatal(d, dry)
	}
}

// TestAnApprovalThatNobodyAnsweredFailsAsItsStepSays lets an approval fail in time: its own `catch` and `onError` decide.
func TestAnApprovalThatNobodyAnsweredFailsAsItsStepSays(t *testing.T) {
	other, late := source("error.kind == 'NotFound'"), source("error.kind == 'Timeout'")
	tests := map[string]struct {
		change func(*plan.Step)
		want   string
		ran    []string
	}{
		"hold":     {onError(plan.Hold), workflows.OutcomeFailed, []string{"t.act one", "t.act seal"}},
		"fail":     {onError(plan.Fail), workflows.OutcomeFailed, []string{"t.act one", "t.act seal"}},
		"continue": {onError(plan.Continue), workflows.OutcomePartly, []string{"t.act one", "t.act after", "t.act seal"}},
		"rollback": {onError(plan.RollBack), workflows.OutcomeRolledBack, []string{"t.act one", "t.act.undo one", "t.act seal"}},
		"caught": {func(s *plan.Step) { s.Catch = []plan.Catch{{When: &late, Do: []plan.Step{use("take", "t.act")}}} },
			workflows.OutcomePartly, []string{"t.act one", "t.act triage/catch[0]/take", "t.act after", "t.act seal"}},
		"not caught": {func(s *plan.Step) { s.Catch = []plan.Catch{{When: &other, Do: []plan.Step{use("take", "t.act")}}} },
			workflows.OutcomeFailed, []string{"t.act one", "t.act seal"}},
	}
	for name, test := range tests {
		for _, nth := range []int{0, 1} {
			t.Run(name, func(t *testing.T) {
				in := asking(func(a *plan.Approve, in *workflows.Input) {
					a.Timeout, a.OnTimeout = time.Hour, "fail"
					in.Plan.Finally = []plan.Step{use("seal", "t.act")}
					in.Plan.Steps = []plan.Step{use("one", "t.act", undoable), in.Plan.Steps[0], use("after", "t.act")}
					test.change(&in.Plan.Steps[1])
				})
				runs := chain(t, in, 0, func(_ int, b *bench) {
					b.tiring("t.act", nth)
					b.undoes("t.act")
				})
				if d := cmp.Diff(test.ran, all(runs)); d != "" {
					t.Fatal(d)
				}
				last := runs[len(runs)-1]
				if got := last.state().Outcome; got != test.want || last.step("triage").Status != activities.StepFailed {
					t.Fatalf("%q, %+v", got, last.step("triage"))
				}
			})
		}
	}
}
