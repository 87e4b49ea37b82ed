package workflows

import (
	"fmt"
	"slices"
	"strings"

	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// shownSteps is how many of the last steps the table holds: details are cut at 20,000 bytes.
const shownSteps = 40

// show sees to it that the live page of the case in the Web UI is renewed before the workflow's task ends. It is no event
// of the history. Many things happen in one task; the page is written once.
func (c *incident) show(ctx workflow.Context) {
	c.score(ctx)
	c.stale = true
}

func (c *incident) render(ctx workflow.Context) {
	c.stale = false
	var page strings.Builder
	page.Grow(c.page + 256) // the page before, and somewhat more
	c.writeHead(&page)
	c.writeQuestions(&page)
	c.writeHolds(&page)
	c.writeStanding(&page)
	c.writeScore(&page)
	c.writeDecided(&page)
	c.writePhases(&page)
	c.writeSteps(&page)
	c.page = page.Len()
	workflow.SetCurrentDetails(ctx, page.String())
}

func (c *incident) writeHead(w *strings.Builder) {
	fmt.Fprintf(w, "**Case %s**: %s", c.State.Case, c.State.Status)
	if c.State.Outcome != "" && c.State.Outcome != string(c.State.Status) {
		fmt.Fprintf(w, ", %s", c.State.Outcome)
	}
	if c.State.DryRun {
		w.WriteString(", dry run: nothing is changed")
	}
	fmt.Fprintf(w, "; alerts counted: %d\n\n", c.State.Alerts)
	if c.State.Unproven > 0 {
		fmt.Fprintf(w, "Signals that were not counted, since nobody proved who sent them: %d\n\n", c.State.Unproven)
	}
	for _, m := range c.State.Missing {
		fmt.Fprintf(w, "Output %s is missing: %s\n\n", Markdown(m.Name), Markdown(m.Why))
	}
	if c.State.Aborted != nil {
		fmt.Fprintf(w, "%s\n\n", Markdown((&aborted{*c.State.Aborted}).Error()))
	}
}

// writeHolds says what a person has to decide, before anything else.
func (c *incident) writeHolds(w *strings.Builder) {
	for _, h := range c.State.Holds {
		fmt.Fprintf(w, "**Held at %s** (%s): %s\n\nWhat to do: %s. Then `firebreak retry %[5]s %[6]s` or `firebreak skip %[5]s %[6]s --reason …`; "+
			"`firebreak abort %[5]s` ends the case, `firebreak rollback %[5]s` takes it back. Everything stays contained meanwhile.\n\n",
			Markdown(h.Path), h.Kind, Markdown(h.Error), Markdown(h.Advice), c.State.Case, strings.ReplaceAll(h.Path, "`", ""))
	}
}

// writeStanding names what a rollback left, which somebody must take back by hand.
func (c *incident) writeStanding(w *strings.Builder) {
	for _, s := range c.State.Standing {
		fmt.Fprintf(w, "**Still stands**: %s: %s. It could not be taken back: %s. When the case has ended, `firebreak undo %s` tries again.\n\n",
			Markdown(s.Step), Markdown(s.Summary), Markdown(s.Why), c.State.Case)
	}
}

func (c *incident) writePhases(w *strings.Builder) {
	phases := plan.Phases()
	counts := make([][5]int, len(phases))
	for i := range c.State.Steps {
		s := &c.State.Steps[i]
		if at := slices.Index(phases, s.Phase); at >= 0 {
			counts[at][column(s.Status)]++
		}
	}
	w.WriteString("**Steps by phase**:\n\n| Phase | Done | Skipped | Running | Held | Failed |\n|---|---|---|---|---|---|\n")
	for i, n := range counts {
		if n != [5]int{} {
			fmt.Fprintf(w, "| %s | %d | %d | %d | %d | %d |\n", phases[i], n[0], n[1], n[2], n[3], n[4])
		}
	}
	w.WriteString("\n")
}

func column(s activities.StepStatus) int {
	switch s {
	case activities.StepDone:
		return 0
	case activities.StepSkipped:
		return 1
	case activities.StepRunning:
		return 2
	case activities.StepHeld:
		return 3
	case activities.StepFailed:
	}
	return 4
}

func (c *incident) writeSteps(w *strings.Builder) {
	first := max(len(c.State.Steps)-shownSteps, 0)
	if first > 0 {
		fmt.Fprintf(w, "**Steps**, the last %d of %d:\n\n", shownSteps, len(c.State.Steps))
	} else {
		w.WriteString("**Steps**:\n\n")
	}
	w.WriteString("| Step | Status | What was done |\n|---|---|---|\n")
	for i := first; i < len(c.State.Steps); i++ {
		w.WriteString(c.row(i))
	}
}

// row is a step's row of the table, as it was written last unless the step has changed.
type row struct {
	status activities.StepStatus
	text   string
	line   string
}

func (c *incident) row(i int) string {
	for len(c.rows) <= i {
		c.rows = append(c.rows, row{})
	}
	s, r := &c.State.Steps[i], &c.rows[i]
	text := s.Summary
	if s.Error != "" {
		text = s.Error
	}
	if r.status != s.Status || r.text != text {
		*r = row{s.Status, text, "| " + Markdown(s.Path) + " | " + string(s.Status) + " | " + Markdown(text) + " |\n"}
	}
	return r.line
}

// Markdown gives text that stands in a cell as it is: neither markup nor a link of an attacker's making.
func Markdown(text string) string {
	text = Plain(text, 200)
	if !strings.ContainsAny(text, "|`<>[]*_:") {
		return text
	}
	var b strings.Builder
	for i, r := range text {
		switch {
		case r == '`':
			b.WriteByte('\'')
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case strings.ContainsRune("|[]*_", r):
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == ':' && strings.HasPrefix(text[i:], "://"):
			b.WriteString(":\u200b")
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
