package workflows

import (
	"errors"
	"slices"

	"go.temporal.io/sdk/temporal"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// NotAllowed is the type of the error with which a case refuses a person; it refuses what does not fit its state with others.
const NotAllowed = "NotAllowed"

func notAllowed(err error) error {
	return temporal.NewNonRetryableApplicationError(err.Error(), NotAllowed, nil)
}

var errTaken = errors.New("this very decision was taken already")

// spent tells whether a signed decision was taken before: whoever can read the history could send it again.
func (c *incident) spent(nonce string) bool {
	return nonce != "" && slices.ContainsFunc(c.State.Decided, func(d activities.Decided) bool { return d.Nonce == nonce })
}

// requesters are those who wanted what a step asks about: who asked for the run, and who had the step asked again.
func (c *incident) requesters(path string) []string {
	var list []string
	if c.in.By != "" {
		list = append(list, c.in.By)
	}
	for _, d := range c.State.Decided {
		if d.Step == path && d.Choice == string(RetryStep) {
			list = append(list, d.By)
		}
	}
	return list
}

// deciders are those who may decide about held steps: the responders, and the approvers of the playbook and of those that
// it calls.
func (c *incident) deciders() []plan.Approver {
	var list []plan.Approver
	if a := c.in.Authority; a != nil && len(a.Responders) > 0 {
		list = append(list, plan.Approver{Name: "responders", Groups: a.Responders, Quorum: 1})
	}
	list = append(list, c.in.Plan.Approvers...)
	for _, called := range c.in.Plan.Playbooks {
		list = append(list, called.Approvers...)
	}
	return list
}

// audience is whom a message is for: names of circles, groups and people; empty: everybody who is told things.
type audience struct {
	Circles  []string `json:"circles,omitempty"`
	Groups   []string `json:"groups,omitempty"`
	Subjects []string `json:"subjects,omitempty"`
}

func audienceOf(circles []plan.Approver) audience {
	var a audience
	for _, one := range circles {
		a.Circles = added(a.Circles, one.Name)
		a.Groups = added(a.Groups, one.Groups...)
		a.Subjects = added(a.Subjects, one.Subjects...)
	}
	return a
}

func added(list []string, more ...string) []string {
	for _, one := range more {
		if !slices.Contains(list, one) {
			list = append(list, one)
		}
	}
	return list
}
