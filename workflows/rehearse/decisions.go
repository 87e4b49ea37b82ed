package rehearse

import (
	"cmp"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/playbooks/scenario"
	"github.com/firebreak-ir/firebreak/workflows"
	"github.com/firebreak-ir/firebreak/workflows/authority"
)

// voucher is the key that stands for everybody in a test; it opens nothing else.
const voucher = "test"

func voucherKey() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)) }

// trusted makes the people of a test provable, so that circles and quorums are checked as in a real run.
func trusted() *authority.Authority {
	public, _ := voucherKey().Public().(ed25519.PublicKey)
	return &authority.Authority{Keys: []authority.Key{{ID: voucher, Public: base64.StdEncoding.EncodeToString(public)}}}
}

// decide sends an answer as a signed decision. A person without groups has those of whoever is asked.
func (s *stage) decide(a scenario.Answer, u *update) {
	state, err := s.state()
	if err != nil {
		u.Reject(err)
		return
	}
	d := authority.Decision{
		Case: state.Case, Step: a.Step, Choice: a.Choice, Comment: a.Comment, Subject: a.By, Groups: a.Groups,
		Nonce: fmt.Sprintf("%d:%d", a.Pos.Line, a.Pos.Column), At: s.Now(),
	}
	if len(d.Groups) == 0 {
		d.Groups = s.everybody()
	}
	if a.Action != "" {
		d.Choice, d.Set = a.Action, workflows.SetHash(a.Set)
		d = authority.Sign(d, voucher, voucherKey())
		s.UpdateWorkflow(workflows.DecideUpdate, d.Nonce, u, workflows.Decision{
			Path: a.Step, Action: workflows.Action(a.Action), Reason: a.Comment, By: a.By, Set: a.Set, Signed: &d,
		})
		return
	}
	for _, q := range state.Questions {
		if q.Step == a.Step {
			d.Shown = q.Hash
		}
	}
	d = authority.Sign(d, voucher, voucherKey())
	s.UpdateWorkflow(workflows.ApproveUpdate, d.Nonce, u, d)
}

// note is a signal as the voucher signs it.
func (s *stage) note(one scenario.Signal) workflows.Note {
	n := workflows.Note{Signal: plan.Signal{Name: one.Name, By: cmp.Or(one.By, "somebody"), Data: one.Data}}
	state, err := s.state()
	if err != nil {
		return n
	}
	d := n.Claim(state.Case)
	d.Nonce, d.At = fmt.Sprintf("signal %s at %s", one.Name, s.Now()), s.Now()
	d = authority.Sign(d, voucher, voucherKey())
	n.Signed = &d
	return n
}

// everybody is a member of each group that the playbook names.
func (s *stage) everybody() []string {
	var groups []string
	for _, circle := range s.given.Plan.Approvers {
		groups = append(groups, circle.Groups...)
	}
	return groups
}
