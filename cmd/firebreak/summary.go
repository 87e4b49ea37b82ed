package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/workflows"
)

// summary is what stands at the end of a watch, and what `show` prints.
type summary struct {
	palette  palette
	width    int
	now      time.Time
	state    workflows.State
	waits    []string // task queues that no worker polls
	evidence string   // the case's directory on this machine; empty when it is not here
	webUI    string
}

func (s summary) writeTo(to io.Writer) error {
	var out strings.Builder
	s.head(&out)
	s.timeline(&out)
	s.wouldChange(&out)
	s.found(&out)
	s.holds(&out)
	s.places(&out)
	_, err := io.WriteString(to, out.String())
	return err
}

func (s summary) title(out *strings.Builder, text string) {
	fmt.Fprintf(out, "\n%s\n", s.palette.bold(text))
}

func (s summary) head(out *strings.Builder) {
	r := s.state
	fmt.Fprintf(out, "%s  %s\n", s.palette.bold(safe(r.Case)), outcomeWord(s.palette, r))
	fmt.Fprintf(out, "  playbook  %s %s: %s\n", safe(r.Playbook), safe(r.Version), safe(r.Title))
	fmt.Fprintf(out, "  alert     %s\n", safe(alertLine(r.Alert)))
	fmt.Fprintf(out, "  alerts    %d counted, cluster %s\n", r.Alerts, safe(r.Cluster))
	fmt.Fprintf(out, "  started   %s, %s %s\n", r.Started.UTC().Format(time.DateTime+" UTC"), runsFor(r), span(s.end().Sub(r.Started)))
	if d := r.Aborted; d != nil {
		fmt.Fprintf(out, "  aborted   %s\n", safe(abortLine(*d)))
	}
	s.shortfalls(out)
	if r.DryRun {
		fmt.Fprintf(out, "  %s\n", s.palette.yellow("dry run: nothing was changed"))
	}
	s.score(out)
}

// shortfalls names what the outcome alone does not: changes that a rollback left, outputs that could not be given.
func (s summary) shortfalls(out *strings.Builder) {
	for _, left := range s.state.Standing {
		fmt.Fprintf(out, "  %s\n", s.palette.red(safe("stands    "+left.Step+": "+left.Summary+" (not taken back: "+left.Why+")")))
	}
	for _, m := range s.state.Missing {
		fmt.Fprintf(out, "  %s\n", s.palette.yellow(safe("missing   output "+m.Name+": "+m.Why)))
	}
}

func abortLine(d workflows.Decision) string {
	at := ""
	if d.Path != "" {
		at = " at step " + d.Path
	}
	return "by " + d.By + at + ": " + d.Reason
}

func runsFor(r workflows.State) string {
	if r.Ended.IsZero() {
		return "running for"
	}
	return "took"
}

func (s summary) end() time.Time {
	if s.state.Ended.IsZero() {
		return s.now
	}
	return s.state.Ended
}

func outcomeWord(p palette, r workflows.State) string {
	word := string(r.Status)
	if r.Outcome != "" {
		word = r.Outcome
	}
	if word == workflows.OutcomePartly {
		return p.yellow(word)
	}
	switch r.Status {
	case workflows.Completed:
		return p.green(word)
	case workflows.Failed, workflows.Canceled:
		return p.red(word)
	case workflows.Held:
		return p.yellow(word)
	case workflows.Running:
		return p.cyan(word)
	}
	return word
}

// timeline draws when each step ran, phase by phase.
func (s summary) timeline(out *strings.Builder) {
	s.title(out, "Timeline")
	whole := max(s.end().Sub(s.state.Started), time.Millisecond)
	phase := ""
	for _, step := range s.state.Steps {
		if step.Activity == "" && step.Output == nil && step.Error == "" { // a block; its steps tell
			continue
		}
		name := ""
		if step.Phase != phase {
			name, phase = step.Phase, step.Phase
		}
		fmt.Fprintf(out, "  %-10s  %s  %s  %s  %s\n", name, statusWord(s.palette, step.Status),
			s.lane(step, whole), s.palette.bold(safe(step.Path)), safe(outcomeText(step)))
	}
}

// lane draws one step on the run's time.
func (s summary) lane(step activities.StepRecord, whole time.Duration) string {
	const width = 24
	end := step.Ended
	if end.IsZero() {
		end = s.end()
	}
	at := func(t time.Time) int {
		return int(float64(width) * min(max(float64(t.Sub(s.state.Started))/float64(whole), 0), 1))
	}
	from := min(at(step.Started), width-1)
	to := max(at(end), from+1)
	return s.palette.dim(strings.Repeat("·", from)) + strings.Repeat("█", to-from) + s.palette.dim(strings.Repeat("·", width-to))
}

// wouldChange lists what a dry run found that it would change.
func (s summary) wouldChange(out *strings.Builder) {
	if !s.state.DryRun {
		return
	}
	s.title(out, "Would change")
	n := 0
	for _, step := range s.state.Steps {
		for _, d := range objects(step.Output, "would") {
			n++
			fmt.Fprintf(out, "  %s  %s: %s %s %s\n", s.palette.bold(safe(text(d, "object"))), safe(text(d, "field")),
				s.palette.red(quoted(text(d, "from"))), s.palette.dim("→"), s.palette.green(quoted(text(d, "to"))))
		}
	}
	if n == 0 {
		fmt.Fprintln(out, "  nothing")
	}
}

// quoted shows a value, and that there is none.
func quoted(value string) string {
	if value == "" {
		return "nothing"
	}
	return safe(strconv.Quote(cut(value, 80)))
}

func (s summary) holds(out *strings.Builder) {
	for _, h := range s.state.Holds {
		fmt.Fprintln(out)
		for _, line := range holdLines(s.palette, s.state.Case, h) {
			fmt.Fprintln(out, line)
		}
	}
	if lines := unattendedLines(s.palette, s.waits); len(lines) > 0 {
		fmt.Fprintf(out, "\n%s\n", strings.Join(lines, "\n"))
	}
}

// places says where to read on.
func (s summary) places(out *strings.Builder) {
	s.title(out, "Where")
	for _, step := range s.state.Steps {
		if url := text(object(step.Output), "url"); url != "" && strings.HasPrefix(step.Activity, "ticket.") {
			fmt.Fprintf(out, "  ticket    %s\n", safe(url))
		}
	}
	if s.evidence != "" {
		fmt.Fprintf(out, "  evidence  %s\n", safe(s.evidence))
	}
	if s.webUI != "" {
		fmt.Fprintf(out, "  web UI    %s\n", safe(s.webUI))
	}
	fmt.Fprintf(out, "  Temporal  workflow %s, run %s\n", safe(s.state.Workflow), safe(s.state.Run))
}
