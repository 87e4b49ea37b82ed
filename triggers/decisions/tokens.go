package decisions

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// Audiences keep a token of one kind from being taken for another.
const (
	tokenAudience = "firebreak decisions" // signed by a person's own key
	linkAudience  = "firebreak link"      // signed by the receiver
)

// How long tokens hold.
const (
	MaxToken = time.Hour
	LinkLife = 4 * time.Hour
	formLife = 30 * time.Minute
)

// leeway is how far two clocks may be apart.
const leeway = time.Minute

type claims struct {
	jwt.Claims

	Case   string   `json:"case,omitempty"`
	Step   string   `json:"step,omitempty"`
	Groups []string `json:"groups,omitempty"` // as an issuer stated them; of the configured people they are looked up
	Form   bool     `json:"form,omitempty"`   // of the page's form: it decides, and opens no further page
	Proof  string   `json:"proof,omitempty"`  // of a form: how the person has proven who they are
}

// Token makes a token for the decisions of one person, signed by their own key.
func Token(subject string, key ed25519.PrivateKey, now time.Time, life time.Duration) (string, error) {
	if life <= 0 || life > MaxToken {
		return "", fmt.Errorf("a token holds for more than nothing and at most %s", MaxToken)
	}
	return sealed(key, claims{Claims: standard(subject, tokenAudience, now, life)})
}

// Link makes the token of a link by which one person decides about one step of one case.
func Link(subject, of, step string, key ed25519.PrivateKey, now time.Time) (string, error) {
	return sealed(key, claims{Claims: standard(subject, linkAudience, now, LinkLife), Case: of, Step: step})
}

func standard(subject, audience string, now time.Time, life time.Duration) jwt.Claims {
	return jwt.Claims{
		Subject: subject, Audience: jwt.Audience{audience}, ID: rand.Text(),
		IssuedAt: jwt.NewNumericDate(now), NotBefore: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(life)),
	}
}

func sealed(key ed25519.PrivateKey, c claims) (string, error) {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: key}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", fmt.Errorf("sign a token: %w", err)
	}
	return jwt.Signed(signer).Claims(c).Serialize()
}

// audienceOf reads, unproven, whom a token is for.
func audienceOf(text string) (own *jwt.JSONWebToken, audience string) {
	parsed, err := jwt.ParseSigned(text, []jose.SignatureAlgorithm{jose.EdDSA})
	if err != nil {
		return nil, ""
	}
	var c jwt.Claims
	if parsed.UnsafeClaimsWithoutVerification(&c) != nil || len(c.Audience) != 1 {
		return nil, ""
	}
	return parsed, c.Audience[0]
}

var errToken = errors.New("the token is no good: it is forged, or not for this receiver")

// proven checks a token's signature and times.
func proven(parsed *jwt.JSONWebToken, key ed25519.PublicKey, audience string, most time.Duration, now time.Time) (claims, error) {
	var c claims
	if err := parsed.Claims(key, &c); err != nil {
		return claims{}, errToken
	}
	if c.Expiry == nil || c.IssuedAt == nil || c.Subject == "" || c.Expiry.Time().Sub(c.IssuedAt.Time()) > most {
		return claims{}, fmt.Errorf("the token must say whose it is and hold for at most %s", most)
	}
	err := c.ValidateWithLeeway(jwt.Expected{AnyAudience: jwt.Audience{audience}, Time: now}, leeway)
	switch {
	case errors.Is(err, jwt.ErrExpired):
		return claims{}, errors.New("the token has expired: get a new one")
	case err != nil:
		return claims{}, errToken
	}
	return c, nil
}

// person finds one of the configured people.
func (h *Handler) person(subject string) (Known, bool) {
	i := slices.IndexFunc(h.opts.People, func(k Known) bool { return k.Subject == subject })
	if i < 0 {
		return Known{}, false
	}
	return h.opts.People[i], true
}

// form makes the token of the page's form for somebody who has proven who they are.
func (h *Handler) form(at place, by caller) string {
	c := claims{Claims: standard(by.Subject, linkAudience, h.opts.Now(), formLife), Case: at.of, Step: at.step, Groups: by.Groups, Form: true, Proof: by.proof}
	text, err := sealed(h.opts.Key, c)
	if err != nil {
		h.opts.Log.Error("form", "error", err)
	}
	return text
}
