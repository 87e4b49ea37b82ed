// Package tsatest runs a real time-stamping authority on loopback for tests: openssl answers, a small HTTP server hands on.
package tsatest

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/firebreak-ir/firebreak/internal/labenv"
)

// Authority is a TSA and the folder of its files.
type Authority struct {
	URL string
	Dir string
	CA  string // file with the root's certificate

	mu sync.Mutex // openssl keeps its serial number in a file
}

const settings = `[req]
distinguished_name = name
prompt = no
[name]
CN = Test root
[root]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign,cRLSign
[tsa]
basicConstraints = critical,CA:false
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
[server]
basicConstraints = critical,CA:false
extendedKeyUsage = serverAuth
[stamp]
default_tsa = stamp
serial = DIR/serial
crypto_device = builtin
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ordering = no
tsa_name = no
ess_cert_id_chain = no
ess_cert_id_alg = sha256
`

// Start makes a root and a TSA's certificate of that kind (rsa or ec), and serves until the test ends.
func Start(t testing.TB, kind string) *Authority {
	t.Helper()
	labenv.NeedTool(t, "openssl", "apt-get install openssl")
	a := &Authority{Dir: t.TempDir()}
	a.CA = a.file("root.pem")
	a.write(t, "openssl.cnf", settings)
	a.write(t, "serial", "01\n")
	a.key(t, "root", kind)
	a.run(t, "req", "-new", "-x509", "-config", a.file("openssl.cnf"), "-extensions", "root", "-days", "3650",
		"-key", a.file("root.key"), "-out", a.CA)
	a.Certify(t, "tsa", kind, "tsa")
	server := httptest.NewServer(http.HandlerFunc(a.serve))
	t.Cleanup(server.Close)
	a.URL = server.URL
	return a
}

// Certify makes a key and a certificate of the root, with the extensions of a section of the settings.
func (a *Authority) Certify(t testing.TB, name, kind, section string) {
	t.Helper()
	a.key(t, name, kind)
	a.run(t, "req", "-new", "-config", a.file("openssl.cnf"), "-subj", "/CN=Test "+name, "-key", a.file(name+".key"), "-out", a.file(name+".csr"))
	a.run(t, "x509", "-req", "-in", a.file(name+".csr"), "-CA", a.CA, "-CAkey", a.file("root.key"), "-CAcreateserial", "-days", "3650",
		"-extfile", a.file("openssl.cnf"), "-extensions", section, "-out", a.file(name+".pem"))
}

// Roots is the root as a pool.
func (a *Authority) Roots(t testing.TB) *x509.CertPool {
	t.Helper()
	raw, err := os.ReadFile(a.CA)
	pool := x509.NewCertPool()
	if err != nil || !pool.AppendCertsFromPEM(raw) {
		t.Fatal("no root", err)
	}
	return pool
}

func (a *Authority) key(t testing.TB, name, kind string) {
	t.Helper()
	how := []string{"genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"}
	if kind == "ec" {
		how = []string{"genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"}
	}
	a.run(t, append(how, "-out", a.file(name+".key"))...)
}

func (a *Authority) serve(w http.ResponseWriter, r *http.Request) {
	question, err := io.ReadAll(io.LimitReader(r.Body, 1<<16))
	if err == nil && r.Header.Get("Content-Type") != "application/timestamp-query" {
		err = fmt.Errorf("content type %q", r.Header.Get("Content-Type"))
	}
	var answer []byte
	if err == nil {
		answer, err = a.reply(r.Context(), question)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/timestamp-reply")
	_, _ = w.Write(answer)
}

// reply has openssl answer.
func (a *Authority) reply(ctx context.Context, question []byte) ([]byte, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := os.WriteFile(a.file("query.tsq"), question, 0o600); err != nil {
		return nil, err
	}
	out, err := exec.CommandContext(ctx, "openssl", "ts", "-reply", "-config", a.file("openssl.cnf"), "-section", "stamp",
		"-queryfile", a.file("query.tsq"), "-signer", a.file("tsa.pem"), "-inkey", a.file("tsa.key"), "-out", a.file("reply.tsr")).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("openssl ts -reply: %w: %s", err, out)
	}
	return os.ReadFile(a.file("reply.tsr"))
}

// Accepts tells whether openssl takes a response for a timestamp of a file, by the root alone.
func (a *Authority) Accepts(ctx context.Context, data, response string) error {
	out, err := exec.CommandContext(ctx, "openssl", "ts", "-verify", "-data", data, "-in", response, "-CAfile", a.CA).CombinedOutput()
	if err != nil {
		return fmt.Errorf("openssl ts -verify: %w: %s", err, out)
	}
	return nil
}

func (a *Authority) file(name string) string { return filepath.Join(a.Dir, name) }

func (a *Authority) write(t testing.TB, name, text string) {
	t.Helper()
	if err := os.WriteFile(a.file(name), []byte(strings.ReplaceAll(text, "DIR", a.Dir)), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (a *Authority) run(t testing.TB, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "openssl", args...).CombinedOutput(); err != nil {
		t.Fatalf("openssl %v: %v\n%s", args, err, out)
	}
}

// HTTP is a client for it.
func (a *Authority) HTTP() *http.Client { return &http.Client{} }

// Random gives nonces.
func (a *Authority) Random() io.Reader { return rand.Reader }
