package rehearse_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

const listening = `apiVersion: firebreak/v1
kind: Playbook
metadata: {name: listening, version: 1.0.0}
guards: {protect: {when: target.name == 'n2'}, onTrip: fail}
steps:
  - {id: told, phase: coordinate, wait: {until: "signals.exists(s, s.name == 'vendor' && s.by == 'ann' && s.data.ok == true)", for: 1h}}
  - {id: more, wait: {until: run.alerts > 2, for: 1h}}
  - {id: drill, if: run.mode == 'drill', wait: 1m}
  - {id: cordon, phase: contain, uses: kube.cordon_node, with: {node: n1}}
  - {id: label, uses: kube.label_node, with: {node: n1, labels: {a: b}}}
outputs: {told: "${{ steps.told.output.met }}", more: "${{ steps.more.output.met }}"}
`

// TestEveryKeyOfATest: each of them does something, and a test that lacks it, or has it otherwise, does not hold.
func TestEveryKeyOfATest(t *testing.T) {
	g := of(t, listening)
	results, failed := on(t, g, `
  - name: signals
    signals: [{name: other, by: ann, after: 1m}, {name: vendor, by: ann, data: {ok: true}, after: 20m}]
    expect: {outcome: contained, outputs: {told: true, more: false}, within: 1h21m}
  - name: a signal of somebody else
    signals: [{name: vendor, by: eve, data: {ok: true}, after: 20m}]
    expect: {outputs: {told: false}}
  - name: a signal that says something else
    signals: [{name: vendor, by: ann, data: {ok: false}, after: 20m}]
    expect: {outputs: {told: false}}
  - name: alerts
    alerts: [{after: 70m}, {alert: {rule: other, priority: Alert, target: {pod: web}}, after: 80m}]
    expect: {outcome: contained, outputs: {told: false, more: true}, within: 1h21m}
  - name: too few alerts
    alerts: [{after: 70m}]
    expect: {outputs: {more: false}}
  - name: live
    expect: {outcome: contained, steps: {drill: skipped}}
  - name: a drill
    mode: drill
    expect: {outcome: contained, steps: {drill: done}}
  - name: a drill on what is not labelled for it
    mode: drill
    mocks: [{uses: kube.describe_targets, output: {targets: [{exists: true}], nodes: 9}}]
    expect: {held: [cordon], notCalled: [kube.label_node]}
  - name: dry run
    dryRun: true
    expect: {outcome: rehearsed, calls: [kube.cordon_node], within: 1m}
  - name: set
    mocks: [{step: cordon, fails: {kind: NotFound, times: 1}}]
    answers: [{step: cordon, action: retry, set: {node: n2}, after: 3h}]
    expect: {held: [cordon], notCalled: [kube.label_node]}
  - name: set to what is not protected
    mocks: [{step: cordon, fails: {kind: NotFound, times: 1}}]
    answers: [{step: cordon, action: retry, set: {node: n3}, after: 3h}]
    expect: {outcome: contained, calls: [kube.label_node]}
  - name: set in a skip
    mocks: [{step: cordon, fails: {kind: NotFound, times: 1}}]
    answers: [{step: cordon, action: skip, set: {node: n2}, comment: why, after: 3h, refused: true}]
    expect: {held: [cordon]}
`)
	if len(failed) > 0 {
		t.Error(cmp.Diff(map[string][]string{}, failed))
	}
	for _, r := range results {
		if r.Test != "alerts" {
			continue
		}
		last := r.State.Joined[len(r.State.Joined)-1]
		if last.Rule != "other" || last.Priority != "Alert" || last.Target.Pod != "web" || last.Target.Node != "n1" {
			t.Errorf("the further alert came as %+v", last)
		}
	}
}
