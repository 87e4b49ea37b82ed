package compile

import (
	"strings"
	"testing"
)

// TestAKeyTellsItemsApartThroughCalls: a playbook that a foreach calls has one key for all items, unless the key reads an
// input that has the item in it, also through a further call.
func TestAKeyTellsItemsApartThroughCalls(t *testing.T) {
	head := "inputs: {word: {type: string, default: x}, other: {type: string, default: y}}\nsteps:\n"
	ticket := func(key string) string {
		return playbook("tell", "1.0.0", head+"  - {id: open, phase: identify, uses: ticket.open, with: {title: \"${{ inputs.word + inputs.other }}\"}, idempotencyKey: \""+key+"\"}\n")
	}
	relay := playbook("relay", "1.0.0", head+"  - {id: on, phase: identify, call: {playbook: tell, inputs: {word: \"${{ inputs.word }}\"}}}\n")
	each := func(call string) string {
		return "{id: each, phase: identify, foreach: {in: \"['a', 'b']\", as: item}, do: [{id: sub, call: {" + call + "}}]}"
	}
	of := func(playbook string) string { return "playbook: " + playbook + `, inputs: {word: "${{ item }}"}` }
	nested := "{id: each, phase: identify, foreach: {in: \"['a', 'b']\", as: item}, do: [{id: deep, foreach: {in: \"['c']\", as: part}, do: " +
		"[{id: sub, call: {playbook: tell, inputs: {word: \"${{ part }}\"}}}]}]}"
	tests := []struct{ name, key, steps, wrong string }{
		{"no foreach", "${{ run.case + '/ticket' }}", "{id: sub, phase: identify, call: {playbook: tell}}", ""},
		{"one key for all", "${{ run.case + '/ticket' }}", each(of("tell")), `a foreach calls this playbook for each "item", and the key is the same for all, so only the first would be done; put inputs.word into it`},
		{"the item's", "${{ run.case + inputs.word }}", each(of("tell")), ""},
		{"another input", "${{ run.case + inputs.other }}", each(of("tell")), "put inputs.word into it"},
		{"the item is not handed over", "${{ run.case + inputs.word }}", each("playbook: tell"), "hands it no input with the item"},
		{"through two calls", "${{ run.case }}", each(of("relay")), `the playbook "relay" cannot be called for every item of a foreach`},
		{"through two calls, the item's", "${{ inputs.word }}", each(of("relay")), ""},
		{"the inner item alone", "${{ inputs.word }}", nested, `for each "item", but hands it no input`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			files := folder{"tell.yaml": ticket(test.key), "relay.yaml": relay}
			_, problems := With("caller.yaml", []byte(playbook("caller", "1.0.0", "steps:\n  - "+test.steps+"\n")), files.options())
			switch {
			case test.wrong == "" && len(problems) > 0:
				t.Fatal(problems)
			case test.wrong != "" && (len(problems) != 1 || !strings.Contains(problems[0].Error(), test.wrong)):
				t.Fatal(problems)
			}
		})
	}
}
