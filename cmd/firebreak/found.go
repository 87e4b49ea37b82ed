package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/firebreak-ir/firebreak/activities"
)

// found lists what a responder reads first. An output takes part by carrying findings, containers or warnings.
func (s summary) found(out *strings.Builder) {
	var findings, containers, notes []string
	for _, severity := range []string{"critical", "high", "medium", "low", ""} {
		for _, step := range s.state.Steps {
			findings = append(findings, findingsOf(s.palette, step, severity)...)
		}
	}
	for _, step := range s.state.Steps {
		containers = append(containers, containersOf(step)...)
		notes = append(notes, warningsOf(s.palette, step)...)
	}
	if len(findings)+len(containers)+len(notes) == 0 {
		return
	}
	s.title(out, "Found")
	first(out, findings, 20)
	first(out, containers, 20)
	first(out, notes, 10)
}

func first(out *strings.Builder, lines []string, most int) {
	for _, line := range lines[:min(most, len(lines))] {
		fmt.Fprintf(out, "  %s\n", line)
	}
	if more := len(lines) - most; more > 0 {
		fmt.Fprintf(out, "  and %d more, in the report\n", more)
	}
}

// findingsOf gives a step's findings of one severity; the empty one takes those of any other word.
func findingsOf(p palette, step activities.StepRecord, severity string) []string {
	known := []string{"critical", "high", "medium", "low"}
	var lines []string
	for _, f := range objects(step.Output, "findings") {
		word := text(f, "severity")
		if word != severity && (severity != "" || slices.Contains(known, word)) {
			continue
		}
		sentence, place := text(f, "sentence", "title"), text(f, "path", "place")
		line := fmt.Sprintf("%-9s  %s", safe(word), safe(sentence))
		if word == "critical" || word == "high" {
			line = p.red(line)
		}
		if place != "" && !strings.Contains(sentence, place) {
			line += "  " + p.dim(safe(place))
		}
		lines = append(lines, line)
	}
	return lines
}

// containersOf lists the containers that a disk held, without the pause containers of pods.
func containersOf(step activities.StepRecord) []string {
	if !strings.HasPrefix(step.Activity, "forensics.") {
		return nil
	}
	var lines []string
	for _, c := range objects(step.Output, "containers") {
		if sandbox, _ := c["sandbox"].(bool); sandbox {
			continue
		}
		about := text(c, "pod")
		if space := text(c, "podNamespace"); space != "" && about != "" {
			about = space + "/" + about
		}
		var words []string
		for _, word := range []string{cut(text(c, "id"), 13), text(c, "name"), text(c, "image"), text(c, "state"), about} {
			if word != "" {
				words = append(words, safe(word))
			}
		}
		lines = append(lines, "container  "+strings.Join(words, "  "))
	}
	return lines
}

func warningsOf(p palette, step activities.StepRecord) []string {
	list, _ := object(step.Output)["warnings"].([]any)
	var lines []string
	for _, w := range list {
		if sentence, ok := w.(string); ok {
			lines = append(lines, p.yellow("warning")+"    "+safe(step.Path)+": "+safe(cut(sentence, 300)))
		}
	}
	return lines
}
