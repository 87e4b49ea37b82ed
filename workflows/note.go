package workflows

import (
	"errors"
	"reflect"
	"slices"

	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/workflows/authority"
)

// Note is what somebody tells a case, with the proof of who it is.
type Note struct {
	plan.Signal

	Signed *authority.Decision `json:"signed,omitempty"` // needed where the case has an Authority
}

// Claim is what is signed of a note about a case, but for nonce and time. No decision about a step reads like it.
func (n Note) Claim(of string) authority.Decision {
	return authority.Decision{Case: of, Choice: "signal " + n.Name, Subject: n.By, Set: SetHash(n.Data)}
}

// maxHeard is how many nonces of signals are kept: more than come, signed, in the time that one is fresh.
const maxHeard = 500

// vouched sees to it that a note comes from somebody whom the case knows, where it knows anybody.
func (c *incident) vouched(ctx workflow.Context, n Note) error {
	if c.in.Authority == nil {
		return nil
	}
	if n.Signed == nil {
		return authority.ErrUnsigned
	}
	if _, err := c.in.Authority.Verify(*n.Signed, workflow.Now(ctx)); err != nil {
		return err
	}
	want, got := n.Claim(c.State.Case), *n.Signed
	want.Groups, want.Nonce, want.At, want.KeyID, want.Signature = got.Groups, got.Nonce, got.At, got.KeyID, got.Signature
	switch {
	case !reflect.DeepEqual(want, got):
		return errors.New("the signal is not the one that was signed")
	case slices.Contains(c.Heard, got.Nonce):
		return errTaken
	}
	c.Heard = append(c.Heard, got.Nonce)
	if over := len(c.Heard) - maxHeard; over > 0 {
		c.Heard = append([]string(nil), c.Heard[over:]...)
	}
	return nil
}
