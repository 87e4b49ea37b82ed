package cases_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/firebreak-ir/firebreak/playbooks/compile"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/triggers/falco"
	"github.com/firebreak-ir/firebreak/workflows"
	"github.com/firebreak-ir/firebreak/workflows/authority"
	"github.com/firebreak-ir/firebreak/workflows/cases"
	"github.com/firebreak-ir/firebreak/workflows/cases/casetest"
)

// TestShippedPlaybooksOnTemporal runs every playbook that comes with Firebreak on a real Temporal, and records the histories
// that the builds to come replay: a run that goes through, and one that is held and goes on. Where people are asked, they say
// the first choice.
func TestShippedPlaybooksOnTemporal(t *testing.T) {
	t.Parallel()
	shipped, err := casetest.Shipped("../..")
	if err != nil {
		t.Fatal(err)
	}
	w, s := newShow(t, 3)
	for _, p := range shipped {
		compiled := w.compile(t, p.File, p.Text)
		t.Run(p.Folder+" plain", func(t *testing.T) {
			aside(t, compiled)
			of := w.open(t, p.Folder+" plain", w.show(t, compiled, "n1"))
			w.agrees(t, of)
			if v := w.until(of, "through", closed); v.Status != workflows.Completed || len(v.Holds) > 0 {
				t.Fatalf("%s: %+v", v.Status, v.Steps)
			}
			w.keeps(t, of, p.Folder, "plain")
		})
		t.Run(p.Folder+" held", func(t *testing.T) {
			aside(t, compiled)
			w.holds(t, s, p.Folder, compiled)
		})
	}
}

// holds runs a playbook whose last activity that may hold it is forbidden at first, retries it, and takes all back.
func (w *world) holds(t *testing.T, s *standIns, folder string, compiled plan.Plan) {
	t.Helper()
	forbidden := lastHolding(compiled)
	key := folder + " held"
	s.refuse(plan.WorkflowID(compiled.Name, key), forbidden)
	of := w.open(t, key, w.show(t, compiled, "n2"))
	w.agrees(t, of)
	v := w.until(of, "held", held)
	s.refuse(of.Workflow, "")
	for _, h := range v.Holds {
		w.retries(t, of, h.Path)
	}
	if v := w.until(of, "through", closed); v.Status != workflows.Completed {
		t.Fatalf("%s: %+v", v.Status, v.Steps)
	}
	w.keeps(t, of, folder, "held")
	if _, err := w.Undo(t.Context(), of, cases.UndoRequest{By: "ann", Reason: "a drill"}, func(workflows.UndoResult) {}); err != nil {
		t.Fatal(err)
	}
	w.keeps(t, cases.Case{Workflow: cases.UndoID(of.ID)}, folder, "undone")
}

// lastHolding names the last activity of the steps whose failure holds the case.
func lastHolding(p plan.Plan) (name string) {
	plan.Walk(func(s plan.Step) {
		if s.Uses != nil && s.OnError == plan.Hold {
			name = s.Uses.Activity
		}
	}, p.Steps)
	return name
}

func (w *world) retries(t *testing.T, of cases.Case, path string) {
	t.Helper()
	d := authority.Sign(authority.Decision{
		Case: of.ID, Step: path, Choice: string(workflows.RetryStep), Comment: "granted", Subject: "ann", Nonce: "retry of " + path, At: time.Now().UTC(),
	}, "ann", personKey("ann"))
	err := w.Decide(t.Context(), of, workflows.Decision{Path: path, Action: workflows.RetryStep, Reason: "granted", By: "ann", Signed: &d})
	if err != nil {
		t.Fatal(err)
	}
}

// agrees answers, as ann and as bob, every question with its first choice until the case is held or has ended.
func (w *world) agrees(t *testing.T, of cases.Case) {
	t.Helper()
	for {
		v := w.until(of, "asking, held or through", func(v cases.View) bool { return len(v.Questions) > 0 || held(v) || closed(v) })
		if len(v.Questions) == 0 {
			return
		}
		w.says(t, of, v.Questions[0], v.Questions[0].Choices[0])
	}
}

// says is what ann says, and bob where one is not enough.
func (w *world) says(t *testing.T, of cases.Case, q *workflows.Question, choice string) {
	t.Helper()
	for _, who := range []string{"ann", "bob"} {
		d := authority.Sign(authority.Decision{
			Case: of.ID, Step: q.Step, Choice: choice, Comment: "seen it", Subject: who, Shown: q.Hash, Nonce: who + " on " + q.Step, At: time.Now().UTC(),
		}, who, personKey(who))
		if err := w.Approve(t.Context(), of, d); err != nil {
			t.Fatal(err)
		}
		open := func(v cases.View) bool {
			return slices.ContainsFunc(v.Questions, func(other *workflows.Question) bool { return other.Step == q.Step && len(other.Votes) == 1 })
		}
		if v := w.until(of, "asking on or not", func(cases.View) bool { return true }); !open(v) {
			return
		}
	}
}

// aside lets a case run beside others; one whose guards look at others does not.
func aside(t *testing.T, p plan.Plan) {
	t.Helper()
	if p.Guards == nil {
		t.Parallel()
	}
}

// show is what opens a case of a compiled playbook on a node, with people whom it knows.
func (w *world) show(t *testing.T, p plan.Plan, node string) workflows.Input {
	t.Helper()
	given := map[string]any{}
	for _, i := range p.Inputs {
		if i.Required {
			given[i.Name] = "file:///evidence"
		}
	}
	inputs, err := plan.CheckInputs(p, given)
	if err != nil {
		t.Fatal(err)
	}
	return workflows.Input{
		Plan: p, Cluster: w.cluster, By: "cas", Notify: true, Trigger: "falco", Inputs: inputs,
		Authority: known("ann ir-leads", "bob ir-leads", "cas ir-leads", "eve sales"),
		Alert: plan.Alert{
			Source: "falco", Rule: "Terminal shell in container", Priority: "Critical", Cluster: w.cluster, Time: time.Now().Add(-soon).UTC().Truncate(time.Second),
			Target: plan.Target{Namespace: "shop", Pod: "web-7d9f", Node: node, Container: "web"}, Fields: map[string]any{"proc.name": "bash"},
		},
	}
}

// compile compiles a playbook against the shipped activities, with those beside the tests' own to call.
func (w *world) compile(t *testing.T, file string, text []byte) plan.Plan {
	t.Helper()
	p, problems := compile.With(file, text, compile.Options{
		Catalog: *w.instead,
		Read: func(name string) ([]byte, error) {
			return os.ReadFile(filepath.Join("../../playbooks/compile/testdata/ok", name))
		},
		Alert: func(raw []byte) (plan.Alert, error) { return falco.Decode(bytes.NewReader(raw)) },
		Find: func(name string) ([]compile.Source, error) {
			raw, err := os.ReadFile(filepath.Join("testdata", "playbooks", name+".yaml"))
			return []compile.Source{{File: name + ".yaml", Data: raw}}, err
		},
	})
	for _, problem := range problems {
		t.Fatal(problem)
	}
	return p
}

// own compiles one of the tests' own playbooks.
func (w *world) own(t *testing.T, name string) plan.Plan {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "playbooks", name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return w.compile(t, name+".yaml", text)
}
