package findings

import (
	"fmt"
	"strings"
)

// Markdown gives the table of rules for the documentation.
func Markdown() string {
	var b strings.Builder
	b.WriteString("# Findings\n\nGenerated from `forensics/findings`; do not edit. A finding is a reason to look, not a proof. Of the rules of one group, the first that matches\n" +
		"counts; rules marked *alone* count where no other matches.\n\n| Rule | Severity | What it says | Where | Why |\n|---|---|---|---|---|\n")
	for _, r := range append(Rules(), tampered()) {
		name := "`" + r.ID + "`"
		if r.Group != "" {
			name += " (group " + r.Group + ")"
		}
		if r.Last {
			name += " (alone)"
		}
		places := make([]string, len(r.Places))
		for i, p := range r.Places {
			places[i] = string(p)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", name, r.Severity, r.Title, strings.Join(places, ", "), strings.ReplaceAll(r.Why, "|", "\\|"))
	}
	return b.String()
}
