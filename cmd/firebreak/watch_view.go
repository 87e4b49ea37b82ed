package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/workflows"
	"github.com/firebreak-ir/firebreak/workflows/cases"
)

// view shows a case as it goes on: every step that is through becomes a line, and below them, on a terminal, stands
// what runs now.
type view struct {
	to       io.Writer
	palette  palette
	terminal bool
	width    int
	now      func() time.Time
	shown    map[string]string // path -> what was last printed of it
	drawn    int               // lines of the live part
}

func newView(sys system) *view {
	return &view{to: sys.stdout, palette: palette{sys.colours()}, terminal: sys.terminal, width: sys.width,
		now: sys.now, shown: map[string]string{}}
}

func (v *view) show(m cases.View) {
	var out strings.Builder
	v.erase(&out)
	for _, line := range v.news(m) {
		fmt.Fprintln(&out, line)
	}
	v.draw(&out, m)
	_, _ = io.WriteString(v.to, out.String()) // a closed terminal ends the watch by its signal
}

// close takes the live part away.
func (v *view) close() {
	var out strings.Builder
	v.erase(&out)
	_, _ = io.WriteString(v.to, out.String())
}

func (v *view) erase(out *strings.Builder) {
	if v.drawn > 0 {
		fmt.Fprintf(out, "\x1b[%dF\x1b[J", v.drawn)
		v.drawn = 0
	}
}

// news are the lines that were not printed yet.
func (v *view) news(m cases.View) []string {
	var lines []string
	for _, s := range m.Steps {
		if s.Status == activities.StepRunning || s.Status == activities.StepHeld || s.Activity == "" && s.Output == nil && s.Error == "" {
			continue
		}
		if v.first(s.Path, string(s.Status)+s.Summary+s.Error) {
			lines = append(lines, stepLine(v.palette, s))
		}
	}
	for _, h := range m.Holds {
		if v.first(h.Path, "held"+h.Error) {
			lines = append(lines, holdLines(v.palette, m.Case, h)...)
		}
	}
	if !v.terminal {
		lines = append(lines, v.plainProgress(m)...)
	}
	return lines
}

func (v *view) first(path, what string) bool {
	if v.shown[path] == what {
		return false
	}
	v.shown[path] = what
	return true
}

// plainProgress says in lines what a terminal shows live: each tenth of long work, each new attempt, a silent worker.
func (v *view) plainProgress(m cases.View) []string {
	var lines []string
	for _, w := range m.Pending {
		tenth := int64(0)
		if w.Progress.Total > 0 {
			tenth = 10 * w.Progress.Done / w.Progress.Total
		}
		worth := w.Progress.Total > 0 || w.Attempt > 1
		if worth && v.first("pending "+w.Path, fmt.Sprint(tenth, w.Attempt)) {
			lines = append(lines, clock(v.now())+"  "+pendingLine(v.palette, w, v.width))
		}
	}
	silence := append(v.silence(m), unattendedLines(v.palette, m.Unattended)...)
	if v.first("problem", strings.Join(silence, "")) {
		lines = append(lines, silence...)
	}
	return lines
}

// unattendedLines names the queues where work waits for ever unless somebody starts a worker.
func unattendedLines(p palette, queues []string) []string {
	var lines []string
	for _, queue := range queues {
		lines = append(lines, p.yellow("no worker polls "+safe(queue))+"; what waits there goes on when a `firebreak worker` of it runs")
	}
	return lines
}

// silence says why the picture is old. The case does not depend on it being shown.
func (v *view) silence(m cases.View) []string {
	switch {
	case m.Problem == "":
		return nil
	case strings.Contains(m.Problem, cases.ErrNoWorker.Error()):
		return []string{v.palette.yellow("no worker answers") + "; the case is safe in Temporal and goes on when one is back"}
	}
	return []string{v.palette.yellow("Temporal does not answer") + "; the case is safe in its store and goes on when it is back"}
}

// draw puts the live part below the lines.
func (v *view) draw(out *strings.Builder, m cases.View) {
	if !v.terminal {
		return
	}
	const most = 10 // more would leave the screen, where no line can be erased
	lines := []string{""}
	for _, w := range m.Pending[:min(most, len(m.Pending))] {
		lines = append(lines, clip(pendingLine(v.palette, w, v.width), v.width))
	}
	if more := len(m.Pending) - most; more > 0 {
		lines = append(lines, fmt.Sprintf("  and %d more", more))
	}
	for _, line := range append(v.silence(m), unattendedLines(v.palette, m.Unattended)...) {
		lines = append(lines, clip(line, v.width))
	}
	lines = append(lines, v.head(m.State))
	for _, line := range lines {
		fmt.Fprintln(out, line)
	}
	v.drawn = len(lines)
}

func (v *view) head(s workflows.State) string {
	text := fmt.Sprintf("%s  %s", v.palette.bold(safe(s.Case)), s.Status)
	if s.Phase != "" {
		text += ", phase " + safe(s.Phase)
	}
	if !s.Started.IsZero() {
		text += ", " + span(v.now().Sub(s.Started))
	}
	if s.Alerts > 1 {
		text += fmt.Sprintf(", %d alerts", s.Alerts)
	}
	return clip(text, v.width)
}

// clip cuts a line to the terminal's width without counting or cutting colour codes: a line that wraps could not be
// erased.
func clip(line string, width int) string {
	var out strings.Builder
	column, code := 0, false
	for _, r := range line {
		switch {
		case r == '\x1b':
			code = true
		case code:
			code = r != 'm'
			out.WriteRune(r)
			continue
		default:
			if column++; column >= width {
				continue
			}
		}
		out.WriteRune(r)
	}
	return out.String()
}
