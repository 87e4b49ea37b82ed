package workflows

import (
	"fmt"
	"strings"

	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// shownSteps is how many of the last steps the table holds: details are cut at 20,000 bytes.
const shownSteps = 40

// show renews the live page of the case in the Web UI. It is no event of the history.
func (c *incident) show(ctx workflow.Context) {
	var page strings.Builder
	c.writeHead(&page)
	c.writeQuestions(&page)
	c.writeHolds(&page)
	c.score(ctx)
	c.writeScore(&page)
	c.writeDecided(&page)
	c.writePhases(&page)
	c.writeSteps(&page)
	workflow.SetCurrentDetails(ctx, page.String())
}

func (c *incident) writeHead(w *strings.Builder) {
	fmt.Fprintf(w, "**Case %s**: %s", c.State.Case, c.State.Status)
	if c.State.Outcome != "" {
		fmt.Fprintf(w, ", %s", c.State.Outcome)
	}
	if c.State.DryRun {
		w.WriteString(", dry run: nothing is changed")
	}
	fmt.Fprintf(w, "; alerts counted: %d\n\n", c.State.Alerts)
	if c.State.Aborted != nil {
		fmt.Fprintf(w, "%s\n\n", Markdown((&aborted{*c.State.Aborted}).Error()))
	}
}

// writeHolds says what a person has to decide, before anything else.
func (c *incident) writeHolds(w *strings.Builder) {
	for _, h := range c.State.Holds {
		fmt.Fprintf(w, "**Held at %s** (%s): %s\n\nWhat to do: %s. Then update `decide` with `{\"path\": %q, \"action\": "+
			"\"retry\" | \"skip\" | \"abort\" | \"rollback\", \"reason\": …, \"by\": …}`. Everything stays contained meanwhile.\n\n",
			Markdown(h.Path), h.Kind, Markdown(h.Error), Markdown(h.Advice), h.Path)
	}
}

func (c *incident) writePhases(w *strings.Builder) {
	w.WriteString("| Phase | Done | Skipped | Running | Held | Failed |\n|---|---|---|---|---|---|\n")
	for _, phase := range plan.Phases() {
		n := c.countPhase(phase)
		if n == [5]int{} {
			continue
		}
		fmt.Fprintf(w, "| %s | %d | %d | %d | %d | %d |\n", phase, n[0], n[1], n[2], n[3], n[4])
	}
	w.WriteString("\n")
}

func (c *incident) countPhase(phase string) (n [5]int) {
	for i := range c.State.Steps {
		if s := &c.State.Steps[i]; s.Phase == phase {
			n[column(s.Status)]++
		}
	}
	return n
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
	steps := c.State.Steps
	if len(steps) > shownSteps {
		fmt.Fprintf(w, "The last %d of %d steps:\n\n", shownSteps, len(steps))
		steps = steps[len(steps)-shownSteps:]
	}
	w.WriteString("| Step | Status | What was done |\n|---|---|---|\n")
	for _, s := range steps {
		text := s.Summary
		if s.Error != "" {
			text = s.Error
		}
		fmt.Fprintf(w, "| %s | %s | %s |\n", Markdown(s.Path), s.Status, Markdown(text))
	}
}

// Markdown gives text that stands in a cell as it is: neither markup nor a link of an attacker's making.
func Markdown(text string) string {
	escape := strings.NewReplacer("|", "\\|", "`", "'", "<", "&lt;", ">", "&gt;", "[", "\\[", "]", "\\]",
		"*", "\\*", "_", "\\_", "://", ":\u200b//")
	return escape.Replace(Plain(text, 200))
}
