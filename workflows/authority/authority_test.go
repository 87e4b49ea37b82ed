package authority_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/workflows/authority"
)

func keyPair(seed byte) (string, ed25519.PrivateKey) {
	private := ed25519.NewKeyFromSeed([]byte(strings.Repeat(string(rune(seed)), ed25519.SeedSize)))
	public, _ := private.Public().(ed25519.PublicKey)
	return base64.StdEncoding.EncodeToString(public), private
}

func TestOnlyProvenDecisionsCount(t *testing.T) {
	annPublic, ann := keyPair('a')
	bobPublic, bob := keyPair('b')
	gatePublic, gate := keyPair('g')
	_, stranger := keyPair('x')
	known := &authority.Authority{Keys: []authority.Key{
		{ID: "ann-1", Public: annPublic, Subject: "ann", Groups: []string{"ir-leads"}},
		{ID: "bob-1", Public: bobPublic, Subject: "bob"},
		{ID: "receiver", Public: gatePublic},
		{ID: "broken", Public: "AAAA", Subject: "eve"},
	}}
	now := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	plain := authority.Decision{Case: "c", Step: "triage", Choice: "contain", Subject: "ann", Nonce: "n", At: now, Groups: []string{"root"}}
	by := func(d authority.Decision, id string, key ed25519.PrivateKey) authority.Decision {
		return authority.Sign(d, id, key)
	}
	change := func(d authority.Decision, f func(*authority.Decision)) authority.Decision { f(&d); return d }
	tests := []struct {
		name     string
		decision authority.Decision
		after    time.Duration
		want     authority.Person
		wrong    string
	}{
		{"her own key: the case knows her groups", by(plain, "ann-1", ann), 0, authority.Person{Subject: "ann", Groups: []string{"ir-leads"}, Proven: true}, ""},
		{"the receiver vouches", by(plain, "receiver", gate), 0, authority.Person{Subject: "ann", Groups: []string{"root"}, Proven: true}, ""},
		{"nobody signed", plain, 0, authority.Person{}, authority.ErrUnsigned.Error()},
		{"bob signs as ann", by(plain, "bob-1", bob), 0, authority.Person{}, "that of bob, not of ann"},
		{"a stranger names her key", by(plain, "ann-1", stranger), 0, authority.Person{}, authority.ErrForged.Error()},
		{"an unknown key", by(plain, "ann-2", ann), 0, authority.Person{}, `does not know the key "ann-2"`},
		{"another choice under her signature", change(by(plain, "ann-1", ann), func(d *authority.Decision) { d.Choice = "false-positive" }), 0, authority.Person{}, authority.ErrForged.Error()},
		{"another case under her signature", change(by(plain, "ann-1", ann), func(d *authority.Decision) { d.Case = "d" }), 0, authority.Person{}, authority.ErrForged.Error()},
		{"another nonce", change(by(plain, "ann-1", ann), func(d *authority.Decision) { d.Nonce = "m" }), 0, authority.Person{}, authority.ErrForged.Error()},
		{"without a nonce", by(change(plain, func(d *authority.Decision) { d.Nonce = "" }), "ann-1", ann), 0, authority.Person{}, authority.ErrNoNonce.Error()},
		{"sent again an hour later", by(plain, "ann-1", ann), time.Hour, authority.Person{}, authority.ErrStale.Error()},
		{"signed in the future", by(plain, "ann-1", ann), -time.Hour, authority.Person{}, authority.ErrStale.Error()},
		{"a key that is none", by(plain, "broken", ann), 0, authority.Person{}, "is none"},
		{"the receiver vouches for nobody", by(change(plain, func(d *authority.Decision) { d.Subject = "" }), "receiver", gate), 0, authority.Person{}, "who decides"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := known.Verify(test.decision, now.Add(test.after))
			if (err == nil) != (test.wrong == "") || err != nil && !strings.Contains(err.Error(), test.wrong) {
				t.Fatalf("got %v", err)
			}
			if err == nil {
				if d := cmp.Diff(test.want, got); d != "" {
					t.Fatal(d)
				}
			}
		})
	}
}

func TestWithoutAnAuthorityEverybodyIsTakenAtTheirWord(t *testing.T) {
	var none *authority.Authority
	got, err := none.Verify(authority.Decision{Subject: "ann"}, time.Time{})
	if err != nil || got.Proven || got.Subject != "ann" {
		t.Fatalf("%+v %v", got, err)
	}
	if _, err := none.Verify(authority.Decision{}, time.Time{}); err == nil || errors.Is(err, authority.ErrUnsigned) {
		t.Fatal(err)
	}
}
