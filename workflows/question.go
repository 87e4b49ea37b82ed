package workflows

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/workflows/authority"
)

// Question is what a case asks people, from the moment it is asked. Times are absolute: the next run of the chain goes on
// with it.
type Question struct {
	Step    string   `json:"step"` // path
	Title   string   `json:"title"`
	Choices []string `json:"choices"`
	Circles []string `json:"circles"` // who is asked so far, by the names of the playbook's approvers
	// Of are these circles, as the playbook has them.
	Of       []plan.Approver `json:"of,omitempty"`
	Shown    any             `json:"shown,omitempty"`
	Hash     string          `json:"hash"` // SHA-256 of title, choices and what is shown
	Asked    time.Time       `json:"asked"`
	Deadline time.Time       `json:"deadline,omitzero"`
	Remind   time.Time       `json:"remind,omitzero"` // when the next reminder is due
	Votes    []Vote          `json:"votes,omitempty"`

	// Ladder are the escalations to come, by time.
	Ladder []Rung `json:"ladder,omitempty"`
}

// Rung is an escalation at its time.
type Rung struct {
	At time.Time `json:"at"`
	To string    `json:"to"`
}

// Vote is what one person said.
type Vote struct {
	By      string    `json:"by"`
	Choice  string    `json:"choice"`
	Comment string    `json:"comment"`
	At      time.Time `json:"at"`

	Circles []string            `json:"circles,omitempty"` // for which the vote counts
	Proof   *authority.Decision `json:"proof,omitempty"`   // the signed decision, for the auditor
}

// asked is a question that is open in this run.
type asked struct {
	*Question

	unit   *unit // whose approvers are meant
	answer *answer
}

// answer is how a question ended.
type answer struct {
	choice    string
	by        string // who decided: those whose votes made the quorum
	comment   string
	automatic string // why nobody decided
}

// next is the moment at which something is due, whoever answers or not; zero: never.
func (q *Question) next() time.Time {
	var first time.Time
	for _, at := range []time.Time{q.Deadline, q.Remind, q.rung()} {
		if !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first
}

func (q *Question) rung() time.Time {
	if len(q.Ladder) == 0 {
		return time.Time{}
	}
	return q.Ladder[0].At
}

// circles gives the approvers that are asked.
func (a *asked) circles() []plan.Approver {
	var list []plan.Approver
	for _, circle := range a.unit.plan.Approvers {
		if slices.Contains(a.Circles, circle.Name) {
			list = append(list, circle)
		}
	}
	return list
}

// circle gives one of the circles.
func (a *asked) circle(name string) []plan.Approver {
	return slices.DeleteFunc(a.circles(), func(one plan.Approver) bool { return one.Name != name })
}

// counts gives the circles for which a person's vote counts. Where nothing is proven, a group cannot be looked at: then
// everybody counts but the requester.
func (a *asked) counts(p authority.Person, requesters []string) ([]string, error) {
	var names []string
	own := false
	for _, circle := range a.circles() {
		switch {
		case p.Proven && !p.In(circle.Groups) && !slices.Contains(circle.Subjects, p.Subject):
		case circle.NotRequester && slices.Contains(requesters, p.Subject):
			own = true
		default:
			names = append(names, circle.Name)
		}
	}
	switch {
	case len(names) > 0:
		return names, nil
	case own:
		return nil, notAllowed(fmt.Errorf("%s asked for this run, and somebody else must decide", p.Subject))
	}
	return nil, notAllowed(fmt.Errorf("%s is none of those who are asked: %s", p.Subject, whoIs(a.circles())))
}

func whoIs(circles []plan.Approver) string {
	text := ""
	for i, circle := range circles {
		if i > 0 {
			text += ", "
		}
		text += circle.Name
		if len(circle.Groups) > 0 {
			text += fmt.Sprintf(" (groups %q)", circle.Groups)
		}
	}
	return cmp.Or(text, "nobody")
}

// tally sees whether a circle agrees on a choice.
func (a *asked) tally() *answer {
	for _, circle := range a.circles() {
		for _, choice := range a.Choices {
			var by, comment string
			n := 0
			for _, v := range a.Votes {
				if v.Choice == choice && slices.Contains(v.Circles, circle.Name) {
					n++
					by, comment = joined(by, v.By), joined(comment, v.Comment)
				}
			}
			if n >= max(circle.Quorum, 1) {
				return &answer{choice: choice, by: by, comment: comment}
			}
		}
	}
	return nil
}

func joined(text, more string) string {
	switch {
	case text == "":
		return more
	case more == "":
		return text
	}
	return text + ", " + more
}
