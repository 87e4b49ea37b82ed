// Package authority says whose decisions count, and proves who made one: decisions are signed with keys that the case knows
// from its start. It reads no clock and does no I/O, so that a workflow may use it.
package authority

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Authority is what a case knows of the people who may decide. A nil Authority takes everybody at their word.
type Authority struct {
	Keys []Key `json:"keys"`
	// Responders are groups whose members may decide about held steps, besides the circles of the playbook.
	Responders []string `json:"responders,omitempty"`
}

// Key is a public key (Ed25519, RFC 8032) and what it stands for. A key with a subject is that person's own. One without
// vouches for anybody: it belongs to a receiver that authenticates people itself.
type Key struct {
	ID      string   `json:"id"`
	Public  string   `json:"public"` // 32 bytes in standard base64
	Subject string   `json:"subject,omitempty"`
	Groups  []string `json:"groups,omitempty"`
}

// Decision is what somebody decides about one step of one case. Every field but the signature is signed.
type Decision struct {
	Case    string    `json:"case"`
	Step    string    `json:"step"`
	Choice  string    `json:"choice"` // of an approval, or retry, skip, abort, rollback
	Comment string    `json:"comment,omitempty"`
	Subject string    `json:"subject"`
	Groups  []string  `json:"groups,omitempty"` // as the voucher states them; of a personal key the case knows them
	Shown   string    `json:"shown,omitempty"`  // hash of what the person saw
	Set     string    `json:"set,omitempty"`    // hash of the fields that a retry sets
	Nonce   string    `json:"nonce"`            // also the id of the update: a decision is taken once
	At      time.Time `json:"at"`

	KeyID     string `json:"keyId,omitempty"`
	Signature string `json:"signature,omitempty"` // standard base64
}

// Person is who made a decision.
type Person struct {
	Subject string
	Groups  []string
	Proven  bool
}

// In tells whether the person belongs to one of the groups.
func (p Person) In(groups []string) bool {
	return slices.ContainsFunc(p.Groups, func(g string) bool { return slices.Contains(groups, g) })
}

// Fresh is how far a decision's time may be from the case's: a recorded one cannot be sent again much later.
const Fresh = 15 * time.Minute

// purpose keeps a signature from meaning anything else.
const purpose = "firebreak decision v1\n"

func (d Decision) signed() []byte {
	d.Signature = ""
	d.At = d.At.UTC()
	raw, err := json.Marshal(d)
	if err != nil { // a struct of texts and a time always has a form in JSON, unless the year has five digits
		return nil
	}
	return append([]byte(purpose), raw...)
}

// Sign gives the decision with a signature.
func Sign(d Decision, keyID string, private ed25519.PrivateKey) Decision {
	d.KeyID = keyID
	d.Signature = base64.StdEncoding.EncodeToString(ed25519.Sign(private, d.signed()))
	return d
}

// Errors of a decision whose maker is not proven.
var (
	ErrUnsigned = errors.New("the decision is not signed, and this case takes signed ones alone")
	ErrNoNonce  = errors.New("the decision has no nonce: it could be sent again")
	ErrForged   = errors.New("the signature does not fit the decision")
	ErrStale    = errors.New("the decision was signed too long ago, or by a clock that is wrong")
)

// Verify says who made a decision. now is the case's time.
func (a *Authority) Verify(d Decision, now time.Time) (Person, error) {
	if a == nil {
		return Person{Subject: d.Subject}, named(d)
	}
	switch {
	case d.Signature == "":
		return Person{}, ErrUnsigned
	case d.Nonce == "":
		return Person{}, ErrNoNonce
	}
	i := slices.IndexFunc(a.Keys, func(k Key) bool { return k.ID == d.KeyID })
	if i < 0 {
		return Person{}, fmt.Errorf("the case does not know the key %q", d.KeyID)
	}
	key := a.Keys[i]
	if err := key.verify(d); err != nil {
		return Person{}, err
	}
	if age := now.Sub(d.At); age > Fresh || age < -Fresh {
		return Person{}, ErrStale
	}
	if key.Subject == "" {
		return Person{Subject: d.Subject, Groups: d.Groups, Proven: true}, named(d)
	}
	if d.Subject != key.Subject {
		return Person{}, fmt.Errorf("the key %q is that of %s, not of %s", key.ID, key.Subject, d.Subject)
	}
	return Person{Subject: key.Subject, Groups: key.Groups, Proven: true}, nil
}

func named(d Decision) error {
	if d.Subject == "" {
		return errors.New("the decision does not say who decides")
	}
	return nil
}

func (k Key) verify(d Decision) error {
	public, err := base64.StdEncoding.DecodeString(k.Public)
	if err != nil || len(public) != ed25519.PublicKeySize {
		return fmt.Errorf("the case's key %q is none", k.ID)
	}
	signature, err := base64.StdEncoding.DecodeString(d.Signature)
	if err != nil || !ed25519.Verify(public, d.signed(), signature) {
		return ErrForged
	}
	return nil
}
