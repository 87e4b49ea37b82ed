package compile

import (
	"fmt"
	"strings"
	"testing"
)

func refusal(t *testing.T, files folder, text, wrong string) {
	t.Helper()
	_, problems := With("caller.yaml", []byte(text), files.options())
	switch {
	case wrong == "" && len(problems) > 0:
		t.Error(problems)
	case wrong != "" && (len(problems) != 1 || !strings.Contains(problems[0].Error(), wrong)):
		t.Errorf("%q is not said: %v", wrong, problems)
	}
}

// TestEvidenceIsThatOfWhatIsDestroyed: of a target that is known to be another one it proves nothing.
func TestEvidenceIsThatOfWhatIsDestroyed(t *testing.T) {
	each := func(in, as, step string) string {
		return fmt.Sprintf("{id: each_%s, phase: preserve, foreach: {in: %q, as: %s}, do: [%s]}", as, in, as, step)
	}
	take := func(name string) string {
		return fmt.Sprintf("{id: take, phase: preserve, uses: mem.take, with: {name: %q}}", name)
	}
	kill := func(name string) string {
		return fmt.Sprintf("{id: kill, phase: resolve, requires: {evidence: [take]}, uses: kube.kill, with: {name: %q}}", name)
	}
	inner := func(step string) string {
		return strings.NewReplacer("phase: preserve, ", "", "phase: resolve, ", "").Replace(step)
	}
	tests := []struct{ name, take, kill, wrong string }{
		{"the same", take("web"), kill("web"), ""},
		{"another", take("innocent"), kill("victim"), "kube.kill destroys victim, but the evidence that is required before it is that of innocent"},
		{"another, by an expression", take("${{ 'innocent' }}"), kill("victim"), "is that of innocent"},
		{"known at run time", take("${{ alert.target.pod }}"), kill("victim"), ""},
		{"the same expression", take("${{ alert.target.pod }}"), kill("${{ alert.target.pod }}"), ""},
		{"one of a list", each("['a', 'web']", "p", inner(take("${{ p }}"))), kill("web"), ""},
		{"none of a list", each("['a', 'b']", "p", inner(take("${{ p }}"))), kill("web"), "destroys web"},
		{"lists alike", each("['a', 'b']", "p", inner(take("${{ p }}"))), each("['a', 'b']", "q", inner(kill("${{ q }}"))), ""},
		{"a longer list", each("['a', 'b']", "p", inner(take("${{ p }}"))), each("['a', 'b', 'c']", "q", inner(kill("${{ q }}"))), "destroys c"},
		{"fields of a list", each("[{'n': 'a'}]", "p", inner(take("${{ p.n }}"))), kill("b"), "destroys b"},
		{"lists of the run", each("alert.tags", "p", inner(take("${{ p }}"))), each("alert.tags", "q", inner(kill("${{ q }}"))), ""},
		{"two", "{id: take, phase: preserve, parallel: [{id: a, uses: mem.take, with: {name: a}}, {id: b, uses: mem.take, with: {name: b}}]}", kill("b"), ""},
		{"the disks of its node", "{id: take, phase: preserve, parallel: [{id: a, uses: mem.take, with: {name: a}}, {id: b, uses: disk.shoot, with: {instance: i}, timeout: 6h}]}", kill("b"), ""},
		{"required by a step around", take("innocent"),
			"{id: out, phase: resolve, requires: {evidence: [take]}, if: alert.rule == 'a', then: [{id: kill, uses: kube.kill, with: {name: victim}}]}", "destroys victim"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			refusal(t, folder{}, playbook("caller", "1.0.0", "steps:\n  - "+test.take+"\n  - "+test.kill+"\n"), test.wrong)
		})
	}
}

// TestACallIsEvidenceWhereItsCapturesAreOnEveryWay: no condition or failure there may pass over one.
func TestACallIsEvidenceWhereItsCapturesAreOnEveryWay(t *testing.T) {
	mem := "uses: mem.take, with: {name: x}"
	tests := []struct{ name, steps, wrong string }{
		{"always", "{id: take, phase: preserve, " + mem + "}", ""},
		{"a condition", "{id: take, phase: preserve, if: alert.rule == 'a', " + mem + "}", `step take has an "if" in playbook taker`},
		{"passed over", "{id: take, phase: preserve, onError: continue, " + mem + "}", `step take has "onError: continue" in playbook taker`},
		{"caught", "{id: take, phase: preserve, " + mem + ", catch: [{do: [{id: n, wait: 1m}]}]}", "a failure of step take is caught in playbook taker"},
		{"in one branch", "{id: way, phase: preserve, if: alert.rule == 'a', then: [{id: take, " + mem + "}]}", `none is taken in the "else" of step way in playbook taker`},
		{"in every branch", "{id: way, phase: preserve, if: alert.rule == 'a', then: [{id: t, " + mem + "}], else: [{id: e, " + mem + "}]}", ""},
		{"in a case", "{id: way, phase: preserve, switch: [{case: alert.rule == 'a', do: [{id: t, " + mem + "}]}]}", `none is taken in the "default" of step way in playbook taker`},
		{"beside another", "{id: both, phase: preserve, parallel: [{id: t, " + mem + "}, {id: w, wait: 1m}]}", ""},
		{"of items", "{id: each, phase: preserve, foreach: {in: \"['a']\", as: p, onError: continue}, do: [{id: t, " + mem + "}]}", `an item of step each may fail`},
		{"through two calls", "{id: on, phase: preserve, call: {playbook: deep}}", `step take has an "if" in playbook deep`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			files := folder{
				"taker.yaml": playbook("taker", "1.0.0", "steps:\n  - "+test.steps+"\n"),
				"deep.yaml":  playbook("deep", "1.0.0", "steps:\n  - {id: take, phase: preserve, if: alert.rule == 'a', "+mem+"}\n"),
			}
			text := "steps:\n  - {id: sub, phase: preserve, call: {playbook: taker}}\n" +
				"  - {id: kill, phase: resolve, requires: {evidence: [sub]%s}, uses: kube.kill, with: {name: x}}\n"
			refusal(t, files, playbook("caller", "1.0.0", fmt.Sprintf(text, "")), test.wrong)
			refusal(t, files, playbook("caller", "1.0.0", fmt.Sprintf(text, ", waive: {sub: \"it is all there is\"}")), "")
		})
	}
}
