package main

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/firebreak-ir/firebreak/config"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/triggers/decisions"
	"github.com/firebreak-ir/firebreak/workflows"
	"github.com/firebreak-ir/firebreak/workflows/authority"
	"github.com/firebreak-ir/firebreak/workflows/cases"
)

// counter is where the receiver asks and tells the cases. It vouches for the people with the receiver's key.
type counter struct {
	desk

	key ed25519.PrivateKey
	now func() time.Time
}

// deciding is the part of the receiver over which people decide; nil where it has no key.
func (a *app) deciding(d desk, key ed25519.PrivateKey, log *slog.Logger) (http.Handler, error) {
	if key == nil {
		return nil, nil
	}
	cfg := d.config
	o := decisions.Options{
		Desk: counter{d, key, a.now}, Key: key, Timeout: reach, Log: log, Now: a.now,
		Issuer: decisions.Issuer{URL: cfg.OIDC.Issuer, Audience: cfg.OIDC.Audience, Subject: cfg.OIDC.SubjectClaim, Groups: cfg.OIDC.GroupsClaim},
	}
	for _, p := range cfg.People {
		public, err := config.ReadPublic(p.Key)
		if err != nil {
			return nil, wrongf("key of %q: %w", p.Subject, err)
		}
		o.People = append(o.People, decisions.Known{Person: decisions.Person{Subject: p.Subject, Groups: p.Groups}, Key: public})
	}
	return decisions.New(o), nil
}

// Look is decisions.Desk's. A question is shown to those who are asked alone: it quotes the alert.
func (c counter) Look(ctx context.Context, of, step string, by decisions.Person) (decisions.Open, error) {
	found, err := c.Find(ctx, of)
	switch {
	case err != nil:
		return decisions.Open{}, told(err)
	case found.ID != of || !found.Open():
		return decisions.Open{}, fmt.Errorf("%w: there is no open case %s", decisions.ErrNotFound, of)
	case step == "":
		return wholeCase(found.ID), c.mayDecide(ctx, found, by)
	}
	now, err := c.Waiting(ctx, found)
	if err != nil {
		return decisions.Open{}, told(err)
	}
	for _, q := range now.Questions {
		switch {
		case q.Step == step && !asks(q, by):
			return decisions.Open{}, fmt.Errorf("%w: %s is none of those who are asked", decisions.ErrNotAllowed, by.Subject)
		case q.Step == step:
			return openOf(found.ID, q), nil
		}
	}
	for _, h := range now.Holds {
		if h.Path == step {
			return heldOf(found.ID, h), c.mayDecide(ctx, found, by)
		}
	}
	return decisions.Open{}, fmt.Errorf("%w: case %s waits for nobody at step %s; it may have been decided", decisions.ErrNotFound, of, step)
}

func asks(q *workflows.Question, by decisions.Person) bool { return member(q.Of, by) }

func member(circles []plan.Approver, by decisions.Person) bool {
	person := authority.Person{Subject: by.Subject, Groups: by.Groups}
	return slices.ContainsFunc(circles, func(circle plan.Approver) bool {
		return person.In(circle.Groups) || slices.Contains(circle.Subjects, by.Subject)
	})
}

// mayDecide keeps what a held step says, which may quote the alert, from those who may not decide about it. The case itself
// looks again when they decide.
func (c counter) mayDecide(ctx context.Context, of cases.Case, by decisions.Person) error {
	p, err := c.Plan(ctx, of)
	if err != nil {
		return told(err)
	}
	circles := []plan.Approver{{Name: "responders", Groups: c.config.Responders}}
	for _, one := range append([]plan.Plan{p}, p.Playbooks...) {
		circles = append(circles, one.Approvers...)
	}
	if len(circles) == 1 && len(c.config.Responders) == 0 || member(circles, by) {
		return nil
	}
	return fmt.Errorf("%w: %s is neither a responder nor one of the playbook's approvers", decisions.ErrNotAllowed, by.Subject)
}

func openOf(of string, q *workflows.Question) decisions.Open {
	o := decisions.Open{
		Case: of, Step: q.Step, Kind: decisions.Approval, Title: q.Title, Asked: q.Circles, Choices: q.Choices, Shown: q.Shown, Hash: q.Hash,
	}
	if !q.Deadline.IsZero() {
		o.Deadline = &q.Deadline
	}
	for _, v := range q.Votes {
		o.Votes = append(o.Votes, decisions.Vote{By: v.By, Choice: v.Choice, At: v.At})
	}
	return o
}

func heldOf(of string, h workflows.HeldStep) decisions.Open {
	return decisions.Open{
		Case: of, Step: h.Path, Kind: decisions.Held, Title: "Step " + h.Path + " is held", Text: fmt.Sprintf("%s (%s); %s", h.Error, h.Kind, h.Advice),
		Choices: []string{string(workflows.RetryStep), string(workflows.SkipStep), string(workflows.AbortCase), string(workflows.RollbackCase)},
	}
}

func wholeCase(of string) decisions.Open {
	return decisions.Open{
		Case: of, Kind: decisions.Whole, Title: "End case " + of + " early",
		Text:    "An abort keeps everything contained; a rollback takes back what was changed. Evidence is sealed in both.",
		Choices: []string{string(workflows.AbortCase), string(workflows.RollbackCase)},
	}
}

// Decide is decisions.Desk's.
func (c counter) Decide(ctx context.Context, what decisions.Open, d decisions.Decision, by decisions.Person) error {
	nonce, err := newNonce()
	if err != nil {
		return err
	}
	public, _ := c.key.Public().(ed25519.PublicKey)
	signed := authority.Sign(authority.Decision{
		Case: what.Case, Step: what.Step, Choice: d.Choice, Comment: d.Comment, Subject: by.Subject, Groups: by.Groups,
		Shown: d.Shown, Set: workflows.SetHash(d.Set), Nonce: nonce, At: c.now().UTC(),
	}, voucherID(public), c.key)
	found, err := c.Find(ctx, what.Case)
	switch {
	case err != nil:
	case what.Kind == decisions.Approval:
		err = c.Approve(ctx, found, signed)
	default:
		err = c.desk.Decide(ctx, found, workflows.Decision{
			Path: what.Step, Action: workflows.Action(d.Choice), Reason: d.Comment, By: by.Subject, Set: d.Set, Signed: &signed,
		})
	}
	return told(err)
}

// told says an error of the cases in the words of the receiver.
func told(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, cases.ErrNotAllowed):
		return fmt.Errorf("%w: %w", decisions.ErrNotAllowed, err)
	case errors.Is(err, cases.ErrRefused):
		return fmt.Errorf("%w: %w", decisions.ErrRefused, err)
	case errors.Is(err, cases.ErrNotFound), errors.Is(err, cases.ErrAmbiguous):
		return fmt.Errorf("%w: %w", decisions.ErrNotFound, err)
	}
	return fmt.Errorf("%w: %w", decisions.ErrUnavailable, err)
}
