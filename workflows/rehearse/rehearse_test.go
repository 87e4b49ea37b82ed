package rehearse_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/activities/all"
	"github.com/firebreak-ir/firebreak/playbooks/compile"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/playbooks/scenario"
	"github.com/firebreak-ir/firebreak/workflows/rehearse"
)

const playbook = `apiVersion: firebreak/v1
kind: Playbook
metadata: {name: small, version: 1.0.0}
approvers: {ir-lead: {groups: [leads], quorum: 1, notRequester: true}}
steps:
  - id: triage
    phase: coordinate
    approve: {title: "Contain?", from: ir-lead, choices: [contain, refuse], timeout: 10m, onTimeout: hold}
  - id: answer
    if: steps.triage.output.choice == 'contain'
    then:
      - {id: cordon, uses: kube.cordon_node, with: {node: "${{ alert.target.node }}"}}
    else:
      - {id: halt, stop: {outcome: false_positive}}
  - id: isolate
    phase: contain
    foreach: {in: "['a', 'b']", as: name}
    do:
      - {id: deny, uses: kube.isolate_pod, with: {pod: {namespace: shop, name: "${{ name }}", uid: u}}}
outputs: {who: "${{ steps.triage.output.by }}"}
`

func given(t *testing.T) rehearse.Given {
	t.Helper()
	return of(t, playbook)
}

func of(t *testing.T, text string) rehearse.Given {
	t.Helper()
	catalog := all.Catalog(all.Deps{})
	p, problems := compile.Compile("small.yaml", []byte(text), catalog)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return rehearse.Given{
		Plan: p, Catalog: catalog, Alert: plan.Alert{Rule: "r", Target: plan.Target{Node: "n1"}},
		Start: time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC),
	}
}

// run reads tests and runs them; it gives the failures of each.
func run(t *testing.T, text string) ([]rehearse.Result, map[string][]string) {
	t.Helper()
	return on(t, given(t), text)
}

// on is run on another playbook.
func on(t *testing.T, g rehearse.Given, text string) ([]rehearse.Result, map[string][]string) {
	t.Helper()
	f, problems := scenario.Read("small.test.yaml", []byte("tests:\n"+text))
	problems = append(problems, scenario.Check(f, g.Plan, g.Catalog)...)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	var results []rehearse.Result
	failed := map[string][]string{}
	for _, test := range f.Tests {
		r, err := rehearse.Run(g, test)
		if err != nil {
			t.Fatal(err)
		}
		results = append(results, r)
		if len(r.Failed) > 0 {
			failed[r.Test] = r.Failed
		}
	}
	return results, failed
}

func TestWhatHoldsAndWhatDoesNot(t *testing.T) {
	_, failed := run(t, `
  - name: contained
    answers: [{step: triage, choice: contain, by: ann, after: 2m}]
    mocks: [{uses: kube.isolate_pod, output: {summary: isolated}, takes: 5s}]
    expect:
      outcome: contained
      calls: [kube.cordon_node, "isolate[1]/deny"]
      notCalled: [kube.label_node]
      order: [triage, answer/cordon, isolate]
      steps: {"isolate[*]/deny": done, answer: done}
      outputs: {who: ann}
      within: 3m
  - name: nobody answers
    expect: {held: [triage]}
  - name: refused
    answers: [{step: triage, choice: refuse, after: 1m}]
    expect: {outcome: false_positive, notCalled: [kube.isolate_pod]}
  - name: an outsider
    answers:
      - {step: triage, choice: contain, by: eve, groups: [sales], after: 1m, refused: true}
      - {step: triage, choice: contain, by: requester, after: 2m, refused: true}
    expect: {held: [triage]}
  - name: rolled back by a person
    answers:
      - {step: triage, choice: contain, after: 1m}
      - {step: "isolate[1]/deny", action: rollback, comment: false alarm, by: ann, after: 20m}
    mocks: [{step: "isolate[1]/deny", fails: {kind: Forbidden, message: no}}]
    expect: {outcome: rolled back, undone: ["isolate[0]/deny", answer/cordon]}
  - name: fails twice
    answers: [{step: triage, choice: contain, after: 1m}]
    mocks: [{step: "isolate[*]/deny", fails: {times: 2}}]
    expect: {outcome: contained}
`)
	if len(failed) > 0 {
		t.Fatal(failed)
	}
	_, failed = run(t, `
  - name: all wrong
    answers: [{step: triage, choice: contain, by: ann, after: 2m}, {step: triage, choice: contain, by: bob, after: 1h}]
    expect:
      outcome: failed
      held: [isolate]
      calls: [kube.label_node]
      notCalled: [kube.cordon_node]
      order: [isolate, triage]
      steps: {answer: skipped}
      outputs: {who: bob}
      undone: ["isolate[0]/deny"]
      within: 1m
`)
	want := []string{
		`the outcome should be "failed", but is "contained"`,
		`held: "isolate" should wait for a person, but does not; waiting: none`,
		`step "answer" should be skipped, but is done`,
		`kube.label_node should have run, but did not`,
		`kube.cordon_node should not have run, but did`,
		`the change of step "isolate[0]/deny" should have been taken back, but stands`,
		`step "isolate" should be over before "triage" begins, but is not`,
		`output "who" should be bob, but is ann`,
		`the run took 2m3s, more than 1m0s`,
	}
	if d := cmp.Diff(want, failed["all wrong"]); d != "" {
		t.Fatal(d)
	}
}

func TestCoverageNamesWhatNoTestRuns(t *testing.T) {
	results, _ := run(t, `
  - name: contained
    answers: [{step: triage, choice: contain, after: 2m}]
    expect: {outcome: contained}
`)
	got := rehearse.Cover(given(t).Plan, results)
	want := rehearse.Coverage{Steps: 6, StepsRun: 5, Branches: 2, Taken: 1, Missing: []rehearse.Missed{
		{What: `step "answer": never takes "else"`, Line: 9}, {What: `step "answer/halt" never runs`, Line: 14},
	}}
	if d := cmp.Diff(want, got); d != "" {
		t.Fatal(d)
	}
}

func TestMistakesInATestAreFoundBeforeItRuns(t *testing.T) {
	g := given(t)
	f, problems := scenario.Read("small.test.yaml", []byte(`tests:
  - name: a
    inputs: {x: 1}
    mocks:
      - {uses: kube.isolate_pot, output: {}}
      - {step: isolate/deny, output: {effective: maybe}}
      - {step: triage, output: {}}
      - {step: nothere, output: {}}
      - {output: {}}
    answers: [{step: triag, choice: x}, {step: triage}]
    expect: {calls: [kube.nothing], steps: {answr: done}, heldd: [x]}
  - name: a
    expect: {}
`))
	problems = append(problems, scenario.Check(f, g.Plan, g.Catalog)...)
	var got []string
	for _, p := range problems {
		got = append(got, p.Message)
	}
	text := strings.Join(got, "\n")
	for _, want := range []string{
		`has no input "x"`, `there is no activity "kube.isolate_pot"; did you mean "kube.isolate_pod"?`, `kube.isolate_pod never gives this output: "effective"`,
		`step "triage" runs no activity`, `the playbook has no step "nothere"`, `a mock needs "uses"`, `the playbook has no step "triag"; did you mean "triage"?`,
		`an answer needs either "choice"`, `the playbook has no step "kube.nothing"`, `the playbook has no step "answr"; did you mean "answer"?`,
		`has no key "heldd"; did you mean "held"?`, `test "a" is there twice`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("nothing says %q in:\n%s", want, text)
		}
	}
}
