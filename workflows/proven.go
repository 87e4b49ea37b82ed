package workflows

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/workflows/authority"
)

// SetHash is what a signed retry says of the fields that it sets; empty where it sets none.
func SetHash(set map[string]any) string {
	if len(set) == 0 {
		return ""
	}
	sum := sha256.Sum256(encode(set)) // the keys of a map are sorted in JSON
	return hex.EncodeToString(sum[:])
}

// proven sees to it that a decision about the case was made by somebody who may, where the case knows its people.
func (c *incident) proven(ctx workflow.Context, d Decision) error {
	if c.in.Authority == nil {
		return nil
	}
	if d.Signed == nil {
		return notAllowed(authority.ErrUnsigned)
	}
	who, err := c.in.Authority.Verify(*d.Signed, workflow.Now(ctx))
	switch s := d.Signed; {
	case err != nil:
		return notAllowed(err)
	case s.Case != c.State.Case || s.Step != d.Path || s.Choice != string(d.Action) || s.Comment != d.Reason ||
		s.Subject != d.By || s.Set != SetHash(d.Set):
		return errors.New("the decision is not the one that was signed")
	case c.spent(s.Nonce):
		return errTaken
	}
	if !c.responder(who) {
		return notAllowed(fmt.Errorf("%s is neither a responder nor one of the playbook's approvers", who.Subject))
	}
	return nil
}

// responder tells whether a person may decide about held steps and the whole case: one of the configured responders or of
// the playbook's approvers; anybody known, where there are neither.
func (c *incident) responder(who authority.Person) bool {
	circles := c.deciders()
	return len(circles) == 0 || slices.ContainsFunc(circles, func(circle plan.Approver) bool {
		return who.In(circle.Groups) || slices.Contains(circle.Subjects, who.Subject)
	})
}
