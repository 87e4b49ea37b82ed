package rehearse

import (
	"fmt"

	"github.com/firebreak-ir/firebreak/playbooks/scenario"
	"github.com/firebreak-ir/firebreak/workflows"
)

// people lets everything happen from outside that the test says: alerts, signals and answers, each at its time.
func (s *stage) people() {
	for _, l := range s.test.Alerts {
		alert := s.given.Alert
		if rule, ok := l.Alert["rule"].(string); ok {
			alert.Rule = rule
		}
		s.RegisterDelayedCallback(func() { s.SignalWorkflow(workflows.AlertSignal, alert) }, l.After)
	}
	for _, signal := range s.test.Signals {
		s.RegisterDelayedCallback(func() {
			s.SignalWorkflow(workflows.NoteSignal, s.note(signal))
		}, signal.After)
	}
	for _, a := range s.test.Answers {
		s.RegisterDelayedCallback(func() { s.decide(a, &update{stage: s, answer: a}) }, a.After)
	}
}

// update notes what became of an answer.
type update struct {
	stage  *stage
	answer scenario.Answer
}

// Accept is called when the run takes the answer.
func (u *update) Accept() {
	if u.answer.Refused {
		u.stage.wrong = append(u.stage.wrong, fmt.Sprintf("the answer of %s to %q was taken, and should have been refused", u.answer.By, u.answer.Step))
	}
}

// Reject is called when the run refuses the answer.
func (u *update) Reject(err error) {
	if !u.answer.Refused {
		u.stage.wrong = append(u.stage.wrong, fmt.Sprintf("the answer of %s to %q was refused: %v", u.answer.By, u.answer.Step, err))
	}
}

// Complete is called when the answer has had its effect.
func (u *update) Complete(_ any, err error) {
	if err != nil {
		u.Reject(err)
	}
}
