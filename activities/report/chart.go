package report

import (
	"fmt"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
)

// chart is the drawn timeline in the units of its SVG: pixels of a 1000 wide canvas.
type chart struct {
	Height int
	Bars   []bar
	Ticks  []tick
	Bands  []band
	Hidden int
}

type bar struct {
	X, Y, Width  float64
	LabelX       float64
	Anchor       string // start or end
	Label, Title string
	Phase        string
	Status       string
}

type tick struct {
	X     float64
	Label string
}

// band is the run of rows of one phase.
type band struct {
	Y, Height float64
	Phase     string
	Odd       bool
}

const (
	chartLeft  = 120.0 // room for the names of the phases
	chartRight = 985.0
	rowHeight  = 22.0
	chartTop   = 28.0
	maxRows    = 120 // more rows than this help nobody; the table has them all
)

func chartOf(r activities.Record) chart {
	steps := drawn(r.Steps)
	hidden := max(0, len(steps)-maxRows)
	steps = steps[:len(steps)-hidden]
	span := max(lastMoment(r).Sub(r.Started), time.Millisecond)
	c := chart{Hidden: hidden, Height: int(chartTop + rowHeight*float64(len(steps)) + 12), Ticks: ticks(span)}
	for i, s := range steps {
		y := chartTop + rowHeight*float64(i)
		c.Bars = append(c.Bars, barOf(r.Started, span, s, y, lastMoment(r)))
		c.Bands = grow(c.Bands, s.Phase, y)
	}
	return c
}

// drawn leaves out the steps that only hold other steps: their children draw the same time.
func drawn(steps []activities.StepRecord) []activities.StepRecord {
	var out []activities.StepRecord
	for _, s := range steps {
		if s.Activity != "" && s.Status != activities.StepSkipped {
			out = append(out, s)
		}
	}
	return out
}

func barOf(start time.Time, span time.Duration, s activities.StepRecord, y float64, now time.Time) bar {
	end := s.Ended
	if end.IsZero() {
		end = now
	}
	x, to := at(s.Started.Sub(start), span), at(end.Sub(start), span)
	b := bar{X: x, Y: y, Width: max(to-x, 3), Label: s.Path, Phase: s.Phase, Status: string(s.Status)}
	b.Title = fmt.Sprintf("%s (%s): %s, %s after the start", s.Path, took(s.Started, end), cut(s.Summary), took(start, s.Started))
	b.LabelX, b.Anchor = b.X+b.Width+6, "start"
	if b.LabelX > (chartLeft+chartRight)/2+120 {
		b.LabelX, b.Anchor = b.X-6, "end"
	}
	return b
}

func at(d, span time.Duration) float64 {
	share := min(max(float64(d)/float64(span), 0), 1)
	return chartLeft + share*(chartRight-chartLeft)
}

func grow(bands []band, phase string, y float64) []band {
	if n := len(bands); n > 0 && bands[n-1].Phase == phase {
		bands[n-1].Height += rowHeight
		return bands
	}
	return append(bands, band{Y: y - 3, Height: rowHeight, Phase: phase, Odd: len(bands)%2 == 1})
}

// ticks chooses the finest round distance that gives no more than ten marks.
func ticks(span time.Duration) []tick {
	steps := []time.Duration{
		10 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 500 * time.Millisecond, time.Second,
		2 * time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute, 5 * time.Minute,
		15 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour,
	}
	every := steps[len(steps)-1]
	for _, s := range steps {
		if span/s <= 10 {
			every = s
			break
		}
	}
	for span/every > 10 {
		every *= 2
	}
	var out []tick
	for d := time.Duration(0); d <= span; d += every {
		out = append(out, tick{X: at(d, span), Label: "+" + label(d)})
	}
	return out
}

func label(d time.Duration) string {
	if d < time.Second && d > 0 {
		return fmt.Sprintf("%dms", d.Milliseconds())
	}
	if d < time.Minute {
		return fmt.Sprintf("%gs", d.Seconds())
	}
	return d.String()
}
