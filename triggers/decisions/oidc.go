package decisions

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

// Issuer is who makes ID tokens (OpenID Connect), and how to read them.
type Issuer struct {
	URL      string
	Audience string
	Subject  string // claim with the person's name
	Groups   string // claim with the person's groups
}

// Bounds of asking the issuer.
const (
	issuerPatience = 10 * time.Second
	issuerPause    = 5 * time.Second // after a failure
)

// issuer verifies ID tokens. The issuer's keys are asked for with the first token: the receiver starts without it.
type issuer struct {
	Issuer

	now    func() time.Time
	client *http.Client
	trips  *trips

	mu       sync.Mutex
	verifier *oidc.IDTokenVerifier
	again    time.Time // not asked before
	problem  error
}

func newIssuer(of Issuer, now func() time.Time) *issuer {
	if of.URL == "" {
		return nil
	}
	t := &trips{}
	return &issuer{Issuer: of, now: now, trips: t, client: &http.Client{Transport: t, Timeout: issuerPatience}}
}

// trips counts the requests to the issuer that failed.
type trips struct{ failed atomic.Int64 }

// RoundTrip asks as the standard transport does.
func (t *trips) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil || resp.StatusCode >= http.StatusInternalServerError {
		t.failed.Add(1)
	}
	return resp, err
}

// person says whose ID token it is.
func (i *issuer) person(ctx context.Context, token string) (Person, error) {
	verifier, err := i.ready(ctx)
	if err != nil {
		return Person{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	before := i.trips.failed.Load()
	id, err := verifier.Verify(ctx, token)
	switch {
	case err != nil && i.trips.failed.Load() != before:
		return Person{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	case err != nil:
		return Person{}, failed(http.StatusUnauthorized, "the ID token is no good: %v", err)
	}
	var claims map[string]any
	if err := id.Claims(&claims); err != nil {
		return Person{}, failed(http.StatusUnauthorized, "the ID token is no good: %v", err)
	}
	return i.read(claims)
}

// ready gives the verifier, once the issuer has said where its keys are.
func (i *issuer) ready(ctx context.Context) (*oidc.IDTokenVerifier, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	switch {
	case i.verifier != nil:
		return i.verifier, nil
	case i.now().Before(i.again):
		return nil, i.problem
	}
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, i.client), i.URL)
	if err != nil {
		i.again, i.problem = i.now().Add(issuerPause), fmt.Errorf("issuer %q: %w", i.URL, err)
		return nil, i.problem
	}
	i.verifier = provider.Verifier(&oidc.Config{ClientID: i.Audience, Now: i.now})
	return i.verifier, nil
}

// read takes name and groups out of the claims. An address that nobody has verified is no name.
func (i *issuer) read(claims map[string]any) (Person, error) {
	subject, _ := claims[i.Subject].(string)
	if subject == "" {
		return Person{}, failed(http.StatusForbidden, "the ID token has no claim %q, which says who you are", i.Subject)
	}
	if verified, _ := claims["email_verified"].(bool); i.Subject == "email" && !verified {
		return Person{}, failed(http.StatusForbidden, "the issuer has not verified the address %s", subject)
	}
	p := Person{Subject: subject}
	switch groups := claims[i.Groups].(type) {
	case string:
		p.Groups = []string{groups}
	case []any:
		for _, g := range groups {
			if name, ok := g.(string); ok {
				p.Groups = append(p.Groups, name)
			}
		}
	}
	return p, nil
}
