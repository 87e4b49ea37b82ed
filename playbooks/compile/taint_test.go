package compile

import (
	"strings"
	"testing"
)

// TestAnAlertsWordsAreFollowedThroughCalls: into a called playbook by its inputs, and out of it by its outputs.
func TestAnAlertsWordsAreFollowedThroughCalls(t *testing.T) {
	runner := func(field string) string {
		return playbook("runner", "1.0.0", "inputs: {word: {type: string, required: true}}\n"+
			"steps:\n  - {id: run, phase: identify, uses: code.run, with: {"+field+"}}\n")
	}
	echo := playbook("echo", "1.0.0", "inputs: {word: {type: string, required: true}}\nsteps:\n  - {id: keep, phase: identify, set: {said: \"${{ inputs.word }}\"}}\n"+
		"outputs: {said: \"${{ steps.keep.output.said }}\", fixed: x, grave: \"${{ alert.rule }}\"}\n")
	relay := playbook("relay", "1.0.0", "inputs: {word: {type: string, required: true}}\n"+
		"steps:\n  - {id: on, phase: identify, call: {playbook: runner, inputs: {word: \"${{ inputs.word }}\"}}}\n")
	looker := playbook("looker", "1.0.0", "steps:\n  - {id: look, phase: identify, uses: kube.look, with: {namespace: a, pod: b}}\n"+
		"outputs: {node: \"${{ steps.look.output.node }}\"}\n")
	first := func(call string) string { return "{id: sub, phase: identify, call: {" + call + "}}" }
	then := func(field string) string {
		return first("playbook: echo, inputs: {word: ok}") + "\n  - {id: after, uses: code.run, with: {" + field + "}}"
	}
	shell, query := `script: "ls ${{ inputs.word }}"`, `query: "up{pod='${{ inputs.word }}'}"`
	tests := []struct{ name, runner, steps, wrong string }{
		{"a constant", shell, first(`playbook: runner, inputs: {word: "x"}`), ""},
		{"the alert", shell, first(`playbook: runner, inputs: {word: "${{ alert.rule }}"}`), `the playbook "runner" takes its input word for something safe: runner.yaml:6:71`},
		{"quoted there", `script: "ls ${{ shell.quote(inputs.word) }}"`, first(`playbook: runner, inputs: {word: "${{ alert.rule }}"}`), ""},
		{"quoted here, for another language", shell, first(`playbook: runner, inputs: {word: "${{ promql.quote(alert.rule) }}"}`), "something safe"},
		{"inside of quotes there", query, first(`playbook: runner, inputs: {word: "${{ alert.rule }}"}`), ""},
		{"through two calls", shell, first(`playbook: relay, inputs: {word: "${{ alert.rule }}"}`), "something safe"},
		{"an output beside one of the alert", shell, then(`script: "ls ${{ steps.sub.output.fixed }}"`), "this is a command of a shell"},
		{"an output that is quoted", shell, then(`script: "ls ${{ shell.quote(steps.sub.output.grave) }}"`), ""},
		{"what an activity gives", shell, "{id: look, phase: identify, uses: kube.look, with: {namespace: a, pod: b}}\n  - " +
			`{id: sub, call: {playbook: runner, inputs: {word: "${{ steps.look.output.node }}"}}}`, `an attacker may choose what step "look" gives, and the playbook "runner" takes its input word for something safe`},
		{"what an activity gives, quoted there", `script: "ls ${{ shell.quote(inputs.word) }}"`, "{id: look, phase: identify, uses: kube.look, with: {namespace: a, pod: b}}\n  - " +
			`{id: sub, call: {playbook: runner, inputs: {word: "${{ steps.look.error }}"}}}`, ""},
		{"an alias there", `script: "ls ${{ [inputs].map(i, i.word)[0] }} ${{ inputs.word == 'x' }}"`, first(`playbook: runner, inputs: {word: "${{ alert.rule }}"}`), "something safe"},
		{"an output of an activity there", shell, first("playbook: looker") + `
  - {id: after, uses: code.run, with: {script: "ls ${{ steps.sub.output.node }}"}}`, `an attacker may choose what step "sub" gives`},
		{"set inside of a foreach", shell, "{id: each, phase: identify, foreach: {in: \"['a']\", as: x}, do: [{id: keep, set: {word: \"${{ alert.rule }}\"}}]}\n" +
			"  - {id: after, uses: code.run, with: {script: \"ls ${{ steps.each.items.map(i, i.keep.output.word).join(' ') }}\"}}", "this is a command of a shell"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			files := folder{"looker.yaml": looker, "runner.yaml": runner(test.runner), "echo.yaml": echo, "relay.yaml": relay}
			p, problems := With("caller.yaml", []byte(playbook("caller", "1.0.0", "steps:\n  - "+test.steps+"\n")), files.options())
			if test.wrong == "" {
				if len(problems) > 0 {
					t.Fatal(problems)
				}
				if test.name == "inside of quotes there" && p.Playbooks[0].Steps[0].Uses.With.Map[0].Value.Text[1].Quote != "promql" {
					t.Fatalf("%+v", p.Playbooks[0].Steps[0].Uses.With)
				}
				return
			}
			if len(problems) == 0 || !strings.Contains(problems[0].Error(), test.wrong) {
				t.Fatal(problems)
			}
		})
	}
}
