package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/workflows"
	"github.com/firebreak-ir/firebreak/workflows/cases"
)

// stepLine is one step that is through, on one line.
func stepLine(p palette, s activities.StepRecord) string {
	at := s.Ended
	if at.IsZero() {
		at = s.Started
	}
	return fmt.Sprintf("%s  %-10s  %s  %s  %s%s", p.dim(clock(at)), s.Phase, statusWord(p, s.Status),
		p.bold(safe(s.Path)), safe(outcomeText(s)), p.dim(took(s)))
}

// outcomeText says what was done, why it failed, or both: who skipped a step, and what was wrong with it.
func outcomeText(s activities.StepRecord) string {
	if s.Summary != "" && s.Error != "" {
		return s.Summary + " (" + s.Error + ")"
	}
	return s.Summary + s.Error
}

func statusWord(p palette, status activities.StepStatus) string {
	word := fmt.Sprintf("%-7s", status)
	switch status {
	case activities.StepDone:
		return p.green(word)
	case activities.StepFailed:
		return p.red(word)
	case activities.StepHeld:
		return p.yellow(word)
	case activities.StepRunning:
		return p.cyan(word)
	case activities.StepSkipped:
		return p.dim(word)
	}
	return word
}

// clock gives the time of day, in UTC like everything in a case.
func clock(t time.Time) string { return t.UTC().Format("15:04:05") }

func took(s activities.StepRecord) string {
	if s.Ended.IsZero() || s.Status != activities.StepDone {
		return ""
	}
	return " (" + span(s.Ended.Sub(s.Started)) + ")"
}

// span writes a duration as a person would say it.
func span(d time.Duration) string {
	switch {
	case d < 10*time.Millisecond:
		return "0.0 s"
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%d min %02d s", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%d h %02d min", int(d.Hours()), int(d.Minutes())%60)
}

// holdLines says what a person has to decide.
func holdLines(p palette, id string, h workflows.HeldStep) []string {
	advice := strings.TrimSuffix(h.Advice, ".")
	lines := []string{p.yellow("HELD") + "  " + p.bold(safe(h.Path)) + ": " + safe(h.Error)}
	if advice != "" {
		lines = append(lines, "      what to do: "+safe(advice))
	}
	return append(lines,
		"      then: firebreak retry "+id+" "+safe(h.Path),
		"      or:   firebreak skip "+id+" "+safe(h.Path)+" --reason …   or: firebreak abort "+id+" --reason …")
}

// pendingLine is one activity that runs now, with a bar where it says how far it is.
func pendingLine(p palette, w cases.Pending, width int) string {
	line := p.cyan("▸") + " " + p.bold(safe(w.Path))
	if w.Progress.Total > 0 {
		line += "  " + bar(w.Progress.Done, w.Progress.Total, min(30, width/4)) + " " + amount(w.Progress)
	} else if w.Progress.Done > 0 {
		line += "  " + amount(w.Progress)
	}
	if w.Progress.Message != "" {
		line += "  " + safe(cut(w.Progress.Message, 60))
	}
	if w.Attempt > 1 && w.Failure != "" {
		line += "  " + p.yellow(fmt.Sprintf("attempt %d", w.Attempt)) + " after: " + safe(cut(w.Failure, 100))
	}
	if !w.Started {
		line += "  " + p.dim("waits for a worker or its next attempt")
	}
	return line
}

// bar draws how much is done in eighths of a character.
func bar(done, total int64, width int) string {
	if total <= 0 || width <= 0 {
		return ""
	}
	done = min(max(done, 0), total)
	eighths := int(float64(done) / float64(total) * float64(width*8))
	full, rest := eighths/8, eighths%8
	out := strings.Repeat("█", full)
	if rest > 0 {
		out += string([]rune(" ▏▎▍▌▋▊▉")[rest])
		full++
	}
	return out + strings.Repeat("░", width-full)
}

func amount(progress activities.Progress) string {
	percent := ""
	if progress.Total > 0 {
		percent = fmt.Sprintf("%d %%", 100*min(progress.Done, progress.Total)/progress.Total)
	}
	switch {
	case progress.Unit == "%" || progress.Unit == "" && percent != "":
		return percent
	case progress.Total == 0:
		return quantity(progress.Done, progress.Unit)
	}
	return percent + ", " + quantity(progress.Done, progress.Unit) + " of " + quantity(progress.Total, progress.Unit)
}

func quantity(n int64, unit string) string {
	if unit != "bytes" {
		return strings.TrimSpace(fmt.Sprintf("%d %s", n, safe(unit)))
	}
	value, prefix := float64(n), "B"
	for _, next := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if value < 1024 {
			break
		}
		value, prefix = value/1024, next
	}
	if prefix == "B" {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", value, prefix)
}
