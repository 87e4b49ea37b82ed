package decisions_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/firebreak-ir/firebreak/triggers/decisions"
)

// made is a decision that the desk was told.
type made struct {
	what decisions.Open
	how  decisions.Decision
	by   decisions.Person
}

// desk is a case whose step triage asks and whose step disks is held.
type desk struct {
	made []made
	look error
	take error
}

func (d *desk) Look(_ context.Context, of, step string, _ decisions.Person) (decisions.Open, error) {
	open := decisions.Open{Case: of, Step: step}
	switch {
	case d.look != nil:
		return open, d.look
	case of == "c.1" && step == "triage[0]/ask":
		open.Kind, open.Title, open.Choices, open.Hash = decisions.Approval, `Contain <script>alert(1)</script>?`, []string{"contain", "false-positive"}, "h1"
		open.Shown, open.Asked = map[string]any{"alert.output": `</pre><img src=x onerror="alert(1)">`}, []string{"ir-lead"}
	case of == "c.1" && step == "disks":
		open.Kind, open.Title, open.Choices = decisions.Held, "Step disks is held", []string{"retry", "skip", "abort", "rollback"}
	case of == "c.1" && step == "":
		open.Kind, open.Title, open.Choices = decisions.Whole, "End case", []string{"abort", "rollback"}
	default:
		return open, fmt.Errorf("%w: no such step", decisions.ErrNotFound)
	}
	return open, nil
}

func (d *desk) Decide(_ context.Context, what decisions.Open, how decisions.Decision, by decisions.Person) error {
	if d.take != nil {
		return d.take
	}
	d.made = append(d.made, made{what, how, by})
	return nil
}

// world is a receiver with an issuer, a desk and a person.
type world struct {
	*desk

	t       testing.TB
	server  *httptest.Server
	issuer  *httptest.Server
	signer  *rsa.PrivateKey // of the issuer
	own     ed25519.PrivateKey
	ann     ed25519.PrivateKey
	now     time.Time
	down    bool // the issuer
	log     strings.Builder
	handler *decisions.Handler
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, desk: &desk{}, now: time.Now().Truncate(time.Second)}
	w.own, w.ann = seeded('r'), seeded('a')
	var err error
	if w.signer, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		t.Fatal(err)
	}
	w.issuer = httptest.NewServer(http.HandlerFunc(w.issue))
	t.Cleanup(w.issuer.Close)
	public, _ := w.ann.Public().(ed25519.PublicKey)
	w.handler = decisions.New(decisions.Options{
		Desk: w.desk, Key: w.own, Timeout: 10 * time.Second, Now: func() time.Time { return w.now },
		Log:    slog.New(slog.NewTextHandler(&w.log, nil)),
		People: []decisions.Known{{Person: decisions.Person{Subject: "ann@example.com", Groups: []string{"ir-leads"}}, Key: public}},
		Issuer: decisions.Issuer{URL: w.issuer.URL, Audience: "firebreak", Subject: "email", Groups: "roles"},
	})
	w.server = httptest.NewServer(w.handler)
	t.Cleanup(w.server.Close)
	return w
}

func seeded(with byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed([]byte(strings.Repeat(string(rune(with)), ed25519.SeedSize)))
}

// issue is the issuer's discovery and its keys.
func (w *world) issue(to http.ResponseWriter, req *http.Request) {
	if w.down {
		http.Error(to, "down", http.StatusBadGateway)
		return
	}
	to.Header().Set("Content-Type", "application/json")
	switch req.URL.Path {
	case "/.well-known/openid-configuration":
		fmt.Fprintf(to, `{"issuer": %q, "jwks_uri": %q, "id_token_signing_alg_values_supported": ["RS256"]}`, w.issuer.URL, w.issuer.URL+"/keys")
	case "/keys":
		_ = json.NewEncoder(to).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: w.signer.Public(), KeyID: "k1", Algorithm: "RS256", Use: "sig"}}})
	}
}

// idToken is an ID token of bob; change may make it another one.
func (w *world) idToken(change map[string]any, key any) string {
	w.t.Helper()
	claims := map[string]any{
		"iss": w.issuer.URL, "aud": "firebreak", "sub": "opaque-1", "email": "bob@example.com", "email_verified": true,
		"roles": []string{"ir-leads", "staff"}, "iat": w.now.Unix(), "exp": w.now.Add(time.Hour).Unix(),
	}
	for name, value := range change {
		claims[name] = value
	}
	if key == nil {
		key = w.signer
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: key}, (&jose.SignerOptions{}).WithHeader("kid", "k1"))
	if err != nil {
		w.t.Fatal(err)
	}
	text, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		w.t.Fatal(err)
	}
	return text
}

// sign makes a token of any claims with an ed25519 key.
func sign(t *testing.T, key ed25519.PrivateKey, claims map[string]any) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: key}, nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func must(t *testing.T) func(string, error) string {
	return func(text string, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
}

// reply is an answer.
type reply struct {
	status int
	text   string
	header http.Header
}

func (w *world) do(method, path, token, kind, body string) reply {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.server.URL+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if kind == "application/x-www-form-urlencoded" || method == http.MethodGet && kind == "text/html" {
		req.Header.Set("Accept", "text/html,application/xhtml+xml")
	}
	req.Header.Set("Content-Type", kind)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return reply{resp.StatusCode, string(text), resp.Header}
}

// question is the path of the step that asks.
const question = "/cases/c.1/steps/triage[0]/ask"

// yes is a decision in JSON.
const yes = `{"choice": "contain", "comment": "seen", "shown": "h1"}`

func (w *world) decide(token, body string) reply {
	w.t.Helper()
	return w.do(http.MethodPost, question, token, "application/json", body)
}

func (w *world) submit(form url.Values) reply {
	w.t.Helper()
	return w.do(http.MethodPost, question, "", "application/x-www-form-urlencoded", form.Encode())
}
