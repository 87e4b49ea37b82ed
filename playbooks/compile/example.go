package compile

import "strings"

// Example wraps an activity's example, which is one step in YAML with or without its dash, into a playbook that can be
// compiled. An activity that destroys has a list of steps: the evidence is taken before.
func Example(step string) []byte {
	text, dashed := strings.CutPrefix(strings.TrimSpace(step), "- ")
	inner := "" // how far the lines below the first stand in
	if dashed {
		inner = "  "
	}
	if !strings.Contains(text, "phase:") {
		text = withPhase(text, inner)
	}
	text = strings.ReplaceAll(text, "\n", "\n    "[:5-len(inner)])
	return []byte("apiVersion: firebreak/v1\nkind: Playbook\nmetadata: {name: example, version: 1.0.0}\nsteps:\n  - " + text + "\n")
}

// withPhase gives the step a phase, as the first step of a playbook needs one.
func withPhase(text, inner string) string {
	if flow, ok := strings.CutPrefix(text, "{"); ok {
		return "{phase: identify, " + flow
	}
	first, rest, _ := strings.Cut(text, "\n")
	return first + "\n" + inner + "phase: identify\n" + rest
}
