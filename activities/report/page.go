package report

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/custody"
)

// page is all that the template shows, already in words.
type page struct {
	Record   activities.Record
	Target   string
	Headline []figure
	Chart    chart
	Steps    []row
	Found    found

	Safeguards safeguards
	Evidence   []evidence
	Alert      []field
	MoreAlerts int // that joined, and are not named
	WebUI      string
	Rendered   string
}

// figure is one number at the top of the page.
type figure struct{ Label, Value, Note string }

type row struct {
	Path, Phase, Activity, Status, Summary, Error, Started, Took string

	Attempts int
}

type evidence struct{ Path, Kind, SHA256, Size, Step string }

type field struct{ Name, Value string }

func pageOf(in RenderInput, log []custody.Entry) page {
	r := in.Record
	alert := asMap(r.Alert)
	return page{
		Record: r, Target: targetOf(alert), Headline: headline(r), Chart: chartOf(r), Steps: rows(r),
		Found: foundIn(r.Steps), Safeguards: safeguardsOf(r), Evidence: evidenceOf(log), Alert: flatten(alert), WebUI: in.WebUI,
		MoreAlerts: max(r.Alerts-1-len(r.Further), 0), Rendered: lastMoment(r).UTC().Format("2006-01-02 15:04:05 UTC"),
	}
}

func headline(r activities.Record) []figure {
	figures := []figure{{"alerts", fmt.Sprint(r.Alerts), "joined in this case"}}
	for _, p := range []struct{ phase, label string }{{"contain", "to containment"}, {"preserve", "to preservation"}} {
		if end, ok := phaseEnd(r, p.phase); ok {
			figures = append(figures, figure{p.label, took(r.Started, end), "from the start of the run"})
		}
	}
	done, failed := 0, 0
	for _, s := range r.Steps {
		switch s.Status {
		case activities.StepDone:
			done++
		case activities.StepFailed, activities.StepHeld:
			failed++
		}
	}
	return append(figures, figure{"steps done", fmt.Sprint(done), fmt.Sprintf("%d failed or held", failed)})
}

// phaseEnd is when the last step of a phase ended; false when one of them did not succeed, since then the phase was
// not reached.
func phaseEnd(r activities.Record, phase string) (time.Time, bool) {
	var end time.Time
	for _, s := range r.Steps {
		if s.Phase != phase || s.Status == activities.StepSkipped {
			continue
		}
		if s.Status != activities.StepDone {
			return time.Time{}, false
		}
		if s.Ended.After(end) {
			end = s.Ended
		}
	}
	return end, !end.IsZero()
}

func rows(r activities.Record) []row {
	out := make([]row, 0, len(r.Steps))
	for _, s := range r.Steps {
		out = append(out, row{
			Path: s.Path, Phase: s.Phase, Activity: s.Activity, Status: string(s.Status), Summary: cut(s.Summary), Error: cut(s.Error),
			Started: s.Started.UTC().Format("15:04:05.000"), Took: took(s.Started, s.Ended), Attempts: s.Attempts,
		})
	}
	return out
}

func evidenceOf(log []custody.Entry) []evidence {
	var out []evidence
	for _, e := range log {
		if e.Action == custody.Added {
			out = append(out, evidence{e.Item.Path, e.Item.Kind, e.Item.SHA256, size(e.Item.Size), e.By.Step})
		}
	}
	return out
}

// lastMoment dates the page from the run itself, so that the same run gives the same page.
func lastMoment(r activities.Record) time.Time {
	last := r.Started
	for _, s := range r.Steps {
		for _, at := range []time.Time{s.Started, s.Ended} {
			if at.After(last) {
				last = at
			}
		}
	}
	return last
}

func took(from, to time.Time) string {
	if from.IsZero() || to.Before(from) {
		return ""
	}
	d := to.Sub(from)
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}

func size(n int64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	value, unit := float64(n), 0
	for value >= 1024 && unit < len(units)-1 {
		value, unit = value/1024, unit+1
	}
	if unit == 0 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", value, units[unit])
}

// asMap sees a value as its JSON object, whether it is a struct or was decoded already.
func asMap(v any) map[string]any {
	if m, ok := v.(map[string]any); ok {
		return m
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	var m map[string]any
	if json.Unmarshal(raw, &m) != nil {
		return nil
	}
	return m
}
