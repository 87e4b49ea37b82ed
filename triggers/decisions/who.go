package decisions

import (
	"crypto/ed25519"
	"net/http"
	"strings"

	"github.com/go-jose/go-jose/v4/jwt"
)

// caller is who sends a request, and how they have proven it.
type caller struct {
	Person

	proof string // "key", "link" or "oidc", for the log
}

// reader says who asks what is open: by a token in the header, or by the one of a link.
func (h *Handler) reader(req *http.Request, at place) (caller, error) {
	if token := req.URL.Query().Get("token"); token != "" && req.Header.Get("Authorization") == "" {
		return h.byLink(token, at, false)
	}
	return h.bearer(req, at)
}

// bearer says whose token the header has.
func (h *Handler) bearer(req *http.Request, at place) (caller, error) {
	scheme, token, _ := strings.Cut(req.Header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	if !strings.EqualFold(scheme, "bearer") || token == "" {
		return caller{}, failed(http.StatusUnauthorized,
			"say who you are: with a link that was sent to you, or with a bearer token, which is one of `firebreak token` or an ID token")
	}
	parsed, audience := audienceOf(token)
	switch {
	case audience == linkAudience:
		return h.byLink(token, at, false)
	case audience == tokenAudience:
		return h.byKey(parsed)
	case h.issuer == nil:
		return caller{}, unauthorized(errToken)
	}
	p, err := h.issuer.person(req.Context(), token)
	return caller{p, "oidc"}, err
}

func unauthorized(err error) error { return failed(http.StatusUnauthorized, "%v", err) }

// byKey takes a token that a person has signed with their own key.
func (h *Handler) byKey(parsed *jwt.JSONWebToken) (caller, error) {
	var said jwt.Claims
	if err := parsed.UnsafeClaimsWithoutVerification(&said); err != nil {
		return caller{}, unauthorized(errToken)
	}
	known, found := h.person(said.Subject)
	if !found {
		return caller{}, unauthorized(errToken)
	}
	if _, err := proven(parsed, known.Key, tokenAudience, MaxToken, h.opts.Now()); err != nil {
		return caller{}, unauthorized(err)
	}
	return caller{known.Person, "key"}, nil
}

// byLink takes a token that the receiver has signed for one person, case and step: that of a link, or of the form that a
// page had. A form opens no page, or it could be renewed for ever.
func (h *Handler) byLink(token string, at place, form bool) (caller, error) {
	parsed, audience := audienceOf(token)
	if audience != linkAudience {
		return caller{}, unauthorized(errToken)
	}
	public, _ := h.opts.Key.Public().(ed25519.PublicKey)
	c, err := proven(parsed, public, linkAudience, LinkLife, h.opts.Now())
	switch {
	case err != nil:
		return caller{}, unauthorized(err)
	case c.Form != form:
		return caller{}, unauthorized(errToken)
	case c.Case != at.of || c.Step != at.step:
		return caller{}, failed(http.StatusForbidden, "the link is for another step or case")
	case c.Proof == "oidc":
		return caller{Person{c.Subject, c.Groups}, c.Proof}, nil
	}
	known, found := h.person(c.Subject)
	if !found {
		return caller{}, failed(http.StatusForbidden, "%s is none of the configured people any more", c.Subject)
	}
	proof := c.Proof
	if proof == "" {
		proof = "link"
	}
	return caller{known.Person, proof}, nil
}
