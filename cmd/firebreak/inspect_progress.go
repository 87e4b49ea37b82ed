package main

import (
	"fmt"
	"io"
	"time"
)

const redrawn = 200 * time.Millisecond

// progress is a line on the standard error that says how far long work is: on a terminal alone, and not before it has
// taken a moment.
type progress struct {
	to    io.Writer // nil: nobody watches
	now   func() time.Time
	verb  string
	unit  string
	begun time.Time
	drawn time.Time
}

func (i *inspection) progress(verb, unit string) *progress {
	p := &progress{now: i.now, verb: verb, unit: unit, begun: i.now()}
	if i.watched {
		p.to = i.stderr
	}
	return p
}

// at draws the line anew, when that is due; a total of zero is not known. It never fails.
func (p *progress) at(done, total int64) error {
	now := p.now()
	if p.to == nil || now.Sub(p.begun) < redrawn || now.Sub(p.drawn) < redrawn {
		return nil
	}
	p.drawn = now
	text := p.verb + "  " + quantity(done, p.unit)
	if total > 0 {
		text = fmt.Sprintf("%s  %s %d %%, %s of %s", p.verb, bar(done, total, 30), 100*min(done, total)/total, quantity(done, p.unit), quantity(total, p.unit))
	}
	fmt.Fprintf(p.to, "\r\x1b[K%s  %s", text, span(now.Sub(p.begun)))
	return nil
}

// end takes the line away.
func (p *progress) end() {
	if p.to != nil && !p.drawn.IsZero() {
		fmt.Fprint(p.to, "\r\x1b[K")
	}
}
