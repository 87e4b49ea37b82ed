package rehearse

import (
	"encoding/json"
	"fmt"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/playbooks/scenario"
	"github.com/firebreak-ir/firebreak/workflows"
)

// people lets everything happen from outside that the test says: alerts, signals and answers, each at its time.
func (s *stage) people() {
	for _, l := range s.test.Alerts {
		alert, err := further(s.given.Alert, l.Alert)
		if err != nil {
			s.wrong = append(s.wrong, fmt.Sprintf("the alert after %s is none: %v", l.After, err))
			continue
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

// further is the test's own alert with the fields that another one has instead.
func further(alert plan.Alert, fields map[string]any) (plan.Alert, error) {
	type merged plan.Alert // reading an alert would begin with an empty one
	raw, err := json.Marshal(fields)
	out := merged(alert)
	if err == nil {
		err = json.Unmarshal(raw, &out)
	}
	return plan.Alert(out), err
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
