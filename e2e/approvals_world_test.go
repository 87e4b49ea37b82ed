package e2e

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/firebreak-ir/firebreak/activities/kube/kubetest"
	"github.com/firebreak-ir/firebreak/internal/labenv"
	"github.com/firebreak-ir/firebreak/internal/stage"
)

// office is a world whose cases know their people: three with keys, one whom an issuer names, and a webhook that hands
// everybody their links.
type office struct {
	*world

	issuer *httptest.Server
	signer *rsa.PrivateKey
	mail   *mailer
}

func newOffice(t *testing.T) *office {
	t.Helper()
	t.Parallel()
	lab := labenv.Load(t)
	o := &office{world: &world{World: &kubetest.World{Node: "n1"}, t: t, lab: lab}, mail: newMailer(t)}
	var err error
	o.Stage, err = stage.New(stage.Options{
		Binary: binary(t), Dir: t.TempDir(), Evidence: filepath.Join(t.TempDir(), "cases"), Tracker: filepath.Join(t.TempDir(), "tickets"),
		Namespace: temporalNamespace(t, lab, "approvals-"+strings.ToLower(rand.Text()[:8])), Lab: lab,
	})
	kubetest.Must(t, err)
	t.Cleanup(o.showLogs)
	o.signer, err = rsa.GenerateKey(rand.Reader, 2048)
	kubetest.Must(t, err)
	o.issuer = httptest.NewServer(http.HandlerFunc(o.issue))
	t.Cleanup(o.issuer.Close)
	o.configure()
	return o
}

// configure makes the keys with the product's own command, and names everybody.
func (o *office) configure() {
	o.t.Helper()
	for _, name := range []string{"ann", "bob", "eve", "receiver"} {
		o.firebreak(0, "keygen", name)
	}
	raw, err := os.ReadFile(o.Config)
	kubetest.Must(o.t, err)
	text := strings.Replace(string(raw), "receiver:\n", "receiver:\n  url: http://"+o.Address+"\n  signingKey: file:receiver.key\n", 1)
	text = strings.Replace(text, `["library/pod-compromise"]`, "[asks.yaml]", 1)
	text += fmt.Sprintf(`people:
  - {subject: ann@example.com, groups: [ir-leads], key: ann.pub}
  - {subject: bob@example.com, groups: [ir-leads], key: bob.pub}
  - {subject: eve@example.com, groups: [sales], key: eve.pub}
responders: [ir-leads]
oidc: {issuer: %q, audience: firebreak, subjectClaim: email}
notify: [{url: file:mailer, kind: webhook, links: true}]
`, o.issuer.URL)
	kubetest.Must(o.t, os.WriteFile(o.Config, []byte(text), 0o600))
	kubetest.Must(o.t, os.WriteFile(filepath.Join(o.Dir, "mailer"), []byte(o.mail.server.URL+"/secret-path"), 0o600))
	kubetest.Must(o.t, os.WriteFile(filepath.Join(o.Dir, "asks.yaml"), []byte(asks), 0o600))
	o.firebreak(0, "config", "check")
}

// firebreak runs a command and expects its exit code.
func (o *office) firebreak(code int, args ...string) string {
	o.t.Helper()
	cmd := o.Command(o.t.Context(), args...)
	out, _ := cmd.CombinedOutput()
	if got := cmd.ProcessState.ExitCode(); got != code {
		o.t.Fatalf("firebreak %v ended with %d:\n%s", args, got, out)
	}
	return string(out)
}

// issue is an issuer of ID tokens: its discovery and its keys.
func (o *office) issue(w http.ResponseWriter, req *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	switch req.URL.Path {
	case "/.well-known/openid-configuration":
		fmt.Fprintf(w, `{"issuer": %q, "jwks_uri": %q}`, o.issuer.URL, o.issuer.URL+"/keys")
	case "/keys":
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: o.signer.Public(), KeyID: "k", Algorithm: "RS256", Use: "sig"}}})
	}
}

// idToken is one of somebody whom the configuration does not name.
func (o *office) idToken(address string, groups ...string) string {
	o.t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: o.signer}, (&jose.SignerOptions{}).WithHeader("kid", "k"))
	kubetest.Must(o.t, err)
	text, err := jwt.Signed(signer).Claims(map[string]any{
		"iss": o.issuer.URL, "aud": "firebreak", "sub": "1", "email": address, "email_verified": true, "groups": groups,
		"iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
	}).Serialize()
	kubetest.Must(o.t, err)
	return text
}

// mailer takes messages and keeps each person's link.
type mailer struct {
	server *httptest.Server

	mu    sync.Mutex
	links map[string]string // by step and person
	wrong []string
}

func newMailer(t *testing.T) *mailer {
	t.Helper()
	m := &mailer{links: map[string]string{}}
	m.server = httptest.NewServer(http.HandlerFunc(m.take))
	t.Cleanup(m.server.Close)
	return m
}

func (m *mailer) take(_ http.ResponseWriter, req *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var message struct {
		Step  string `json:"step"`
		Links []struct {
			Person string `json:"person"`
			URL    string `json:"url"`
		} `json:"links"`
	}
	raw, err := io.ReadAll(req.Body)
	if err != nil || json.Unmarshal(raw, &message) != nil {
		m.wrong = append(m.wrong, string(raw))
	}
	for _, l := range message.Links {
		m.links[message.Step+" "+l.Person] = l.URL
	}
}

func (m *mailer) link(step, person string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.links[step+" "+person]
}
