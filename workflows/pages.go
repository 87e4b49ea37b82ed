package workflows

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// maxPage is the most that a query answers, in JSON: Temporal's server refuses more than 2 MiB. What is longer is asked for
// page by page.
const maxPage = 1 << 20

// shortOutput is the size of an output that a bare page has still.
const shortOutput = 1 << 10

// Look says which part of a case's state is wanted. The zero Look is the first page.
type Look struct {
	From int  `json:"from,omitempty"` // number of the first step that is wanted; later pages have steps alone
	Bare bool `json:"bare,omitempty"` // without the long outputs
}

// StatePage is a State with as many of its steps as fit.
type StatePage struct {
	State

	Next int `json:"next,omitempty"` // number of the step that the next page begins with; 0: this is the last one
}

// Waiting is what a case waits for: holds, then questions, as many as fit.
type Waiting struct {
	Case      string      `json:"case"`
	Status    Status      `json:"status"`
	Holds     []HeldStep  `json:"holds,omitempty"`
	Questions []*Question `json:"questions,omitempty"`
	Next      int         `json:"next,omitempty"` // number of the one that the next page begins with; 0: this is the last page
}

// Gather puts a state together from its pages. With bare the pages behind the first are asked for without long outputs.
func Gather(bare bool, ask func(Look) (StatePage, error)) (State, error) {
	page, err := ask(Look{})
	state := page.State
	for err == nil && page.Next > 0 {
		from := page.Next
		if page, err = ask(Look{From: from, Bare: bare}); err == nil {
			state.Steps = append(state.Steps[:min(from, len(state.Steps))], page.Steps...)
		}
	}
	return state, err
}

// statePage gives a part of the case's state.
func (c *incident) statePage(l Look) (StatePage, error) {
	p := StatePage{State: State{Record: activities.Record{Steps: []activities.StepRecord{}}}}
	room := maxPage
	if l.From <= 0 {
		p.State = c.State.head()
		room -= jsonSize(p.State)
	}
	steps := c.State.Steps[min(max(l.From, 0), len(c.State.Steps)):]
	fit, more := fitting(len(steps), room, func(i int) int {
		p.Steps = append(p.Steps, shown(steps[i], l.Bare))
		return jsonSize(p.Steps[i])
	})
	p.Steps = p.Steps[:fit]
	if more {
		p.Next = len(c.State.Steps) - len(steps) + fit
	}
	return p, nil
}

// fitting gives how many of so many things have room, at least one, and whether there are more.
func fitting(n, room int, size func(i int) int) (fit int, more bool) {
	for i := range n {
		if room -= size(i); room < 0 && i > 0 {
			return i, true
		}
	}
	return n, false
}

// shown is a step as a page has it.
func shown(s activities.StepRecord, bare bool) activities.StepRecord {
	most := maxPage / 2 // what would fill a page alone is in the history
	if bare {
		most = shortOutput
	}
	if n := jsonSize(s.Output); s.Output != nil && n > most {
		s.Output = map[string]any{"cut": fmt.Sprintf("%d bytes are left out here", n)}
	}
	return s
}

// head is the state without its steps. Of one that is large by itself, what is kept elsewhere is left out, and Cut says so.
func (s State) head() State {
	s.Steps = []activities.StepRecord{}
	for _, part := range []struct {
		name  string
		leave func()
	}{
		{"outputs", func() { s.Outputs = nil }},
		{"what the questions show", func() { s.Questions = unseen(s.Questions) }},
		{"signals", func() { s.Signals = nil }},
		{"joined alerts", func() { s.Joined = nil }},
		{"guard checks but the last", func() { s.Guards = s.Guards[max(len(s.Guards)-keptChecks, 0):] }},
		{"details of holds", func() { s.Holds = terse(s.Holds) }},
		{"the fields of the alert", func() { s.Alert = unfilled(s.Alert) }},
	} {
		before := jsonSize(s)
		if before <= maxPage/2 {
			break
		}
		if part.leave(); jsonSize(s) < before {
			s.Cut = append(slices.Clone(s.Cut), part.name)
		}
	}
	return s
}

func unseen(list []*Question) []*Question {
	out := make([]*Question, len(list))
	for i, q := range list {
		bare := *q
		bare.Shown = nil
		out[i] = &bare
	}
	return out
}

func terse(list []HeldStep) []HeldStep {
	list = slices.Clone(list)
	for i := range list {
		list[i].Error, list[i].Advice = Plain(list[i].Error, 120), Plain(list[i].Advice, 120)
	}
	return list
}

func unfilled(alert any) any {
	a, known := alert.(plan.Alert)
	if !known { // as the run before left it
		raw, err := json.Marshal(alert)
		if err != nil || json.Unmarshal(raw, &a) != nil {
			return nil
		}
	}
	return a.Bounded(MaxAlert)
}

// waits gives what the case waits for, from that number on.
func (c *incident) waits(from int) (Waiting, error) {
	w := Waiting{Case: c.State.Case, Status: c.State.Status}
	from = max(from, 0)
	held := len(c.State.Holds)
	n := max(held+len(c.State.Questions)-from, 0)
	fit, more := fitting(n, maxPage, func(i int) int {
		if i+from < held {
			return jsonSize(c.State.Holds[i+from])
		}
		return jsonSize(c.State.Questions[i+from-held])
	})
	until := from + fit
	w.Holds = c.State.Holds[min(from, held):min(until, held)]
	w.Questions = c.State.Questions[max(from, held)-held : max(until, held)-held]
	if more {
		w.Next = until
	}
	return w, nil
}

// undoable gives the changes that an undo would take back, from that number on, as many as fit; none behind the last.
func (c *incident) undoable(from int) ([]Undoable, error) {
	all := c.standing()
	all = all[min(max(from, 0), len(all)):]
	fit, _ := fitting(len(all), maxPage, func(i int) int { return jsonSize(all[i]) })
	return all[:fit], nil
}

func jsonSize(value any) int {
	raw, err := json.Marshal(value)
	if err != nil { // what came out of JSON goes back into it
		return 0
	}
	return len(raw)
}
