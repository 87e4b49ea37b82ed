package receiver

import (
	"context"
	"fmt"
	"sync"
)

// together is how many alerts of one group are started at a time: a storm that comes as one request must not outlast the
// sender's patience.
const together = 16

// groupReply answers a group of alerts: with the gravest outcome of any of them.
type groupReply struct {
	Outcome   Outcome `json:"outcome"`
	Reason    string  `json:"reason,omitempty"`
	Resolved  int     `json:"resolved"`
	Truncated int     `json:"truncated,omitempty"` // alerts that the sender left out: nobody will start anything for them
	Alerts    []reply `json:"alerts"`
}

// group opens a case for each alert of a group, in no order. The answers stand in the group's.
func (r *Receiver) group(ctx context.Context, b batch) ([]answer, whole) {
	answers := make([]answer, len(b.alerts))
	var all sync.WaitGroup
	places := make(chan struct{}, together)
	for i, a := range b.alerts {
		places <- struct{}{}
		all.Go(func() {
			answers[i] = r.open(ctx, a)
			<-places
		})
	}
	all.Wait()
	for _, err := range b.wrong {
		answers = append(answers, refuse(Malformed, err))
	}
	if len(answers) == 0 {
		answers = append(answers, answer{reply: reply{Outcome: Resolved, Reason: "all alerts of the group are over: they start nothing"}})
	}
	if b.truncated > 0 {
		answers = append(answers, refuse(Malformed, fmt.Errorf("the sender left %d alerts out, as its max_alerts says: set it to 0", b.truncated)))
	}
	return answers, summed(answers, b)
}

// summed is graver the more is lost: where one alert could not be started the whole group is to be sent again, which joins
// the cases that were opened. What can never be read is not sent again for that.
func summed(answers []answer, b batch) whole {
	body := groupReply{Outcome: answers[0].Outcome, Reason: answers[0].Reason, Resolved: b.resolved, Truncated: b.truncated, Alerts: []reply{}}
	again := answers[0].retryAfter
	for _, a := range answers {
		body.Alerts = append(body.Alerts, a.reply)
		if gravity(a.Outcome) > gravity(body.Outcome) {
			body.Outcome, body.Reason, again = a.Outcome, a.Reason, a.retryAfter
		}
	}
	return whole{body.Outcome.status(), body, again}
}

func gravity(o Outcome) int {
	switch o {
	case Unavailable:
		return 4
	case Accepted:
		return 3
	case Unevaluable:
		return 2
	case Malformed:
		return 1
	}
	return 0
}
