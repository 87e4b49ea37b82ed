package receiver

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestListenRefusesAnOpenReceiver(t *testing.T) {
	pki := newPKI(t)
	for _, c := range []struct {
		name    string
		address string
		access  Access
		want    string
	}{
		{"nothing", "127.0.0.1:0", Access{}, "neither a token nor a client CA"},
		{"insecure beyond loopback", "0.0.0.0:0", Access{InsecureLoopback: true}, "not a loopback address"},
		{"insecure on loopback", "127.0.0.1:0", Access{InsecureLoopback: true}, ""},
		{"short token", "127.0.0.1:0", Access{Token: "hunter2"}, "the token has 7 characters"},
		{"token", "127.0.0.1:0", Access{Token: secret}, ""},
		{"certificate without key", "127.0.0.1:0", Access{Token: secret, CertFile: pki.cert}, "both a certificate and its key"},
		{"client CA without TLS", "127.0.0.1:0", Access{ClientCAFile: pki.ca}, "a client CA needs TLS"},
		{"client CA that is none", "127.0.0.1:0", Access{ClientCAFile: pki.key, CertFile: pki.cert, KeyFile: pki.key}, "holds no certificate"},
		{"missing certificate", "127.0.0.1:0", Access{Token: secret, CertFile: pki.cert + ".gone", KeyFile: pki.key}, "no such file"},
		{"client CA", "127.0.0.1:0", Access{ClientCAFile: pki.ca, CertFile: pki.cert, KeyFile: pki.key}, ""},
		{"address in use", "127.0.0.1:999999", Access{Token: secret}, "listen on"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, err := Listen(t.Context(), c.address, c.access)
			if err == nil {
				_ = l.Close()
			}
			if got := fmt.Sprint(err); (c.want == "") != (err == nil) || !strings.Contains(got, c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestClientCertificate(t *testing.T) {
	pki := newPKI(t)
	opts := options(t, &engine{}, io.Discard)
	opts.Token = ""
	url, stop := serve(t, New(opts), Access{ClientCAFile: pki.ca, CertFile: pki.cert, KeyFile: pki.key})
	defer stop()

	for _, path := range []string{AlertPath, HealthPath, ReadyPath, MetricsPath} {
		at := strings.TrimSuffix(url, AlertPath) + path
		if _, err := post(t, pki.client(t, false), at, sample(t, "terminal-shell")); err == nil {
			t.Errorf("%s: a client without a certificate was served", path)
		}
	}
	res, err := post(t, pki.client(t, true), url, sample(t, "terminal-shell"))
	if err != nil || res.StatusCode != http.StatusAccepted {
		t.Errorf("with a certificate: %v %v", res, err)
	}
}

func TestTokenOverTLS(t *testing.T) {
	pki := newPKI(t)
	e := &engine{}
	opts := options(t, e, io.Discard)
	opts.Token = strings.Repeat("another", 3)
	url, stop := serve(t, New(opts), Access{Token: opts.Token, CertFile: pki.cert, KeyFile: pki.key})
	defer stop()
	if res, err := post(t, pki.client(t, false), url, sample(t, "terminal-shell")); err != nil || res.StatusCode != http.StatusUnauthorized {
		t.Errorf("with the wrong token: %v %v", res, err)
	}

	opts.Token = secret // what post sends
	url, stop = serve(t, New(opts), Access{Token: opts.Token, CertFile: pki.cert, KeyFile: pki.key})
	defer stop()
	if res, err := post(t, pki.client(t, false), url, sample(t, "terminal-shell")); err != nil || res.StatusCode != http.StatusAccepted {
		t.Errorf("with the token: %v %v", res, err)
	}
	if _, err := post(t, http.DefaultClient, strings.Replace(url, "https:", "http:", 1), sample(t, "terminal-shell")); err != nil {
		t.Errorf("without TLS: %v, want an answer that refuses it", err)
	}
	if len(e.started) != 1 {
		t.Errorf("%d runs were started, want the one with token and TLS", len(e.started))
	}
}

// TestCertificateIsRenewed: the next connection after the files were replaced shows the new certificate. One that comes
// between the two files, or finds them broken, is served with the last good pair: its alert would not come again.
func TestCertificateIsRenewed(t *testing.T) {
	old, renewed := newPKI(t), newPKI(t)
	var logged safeBuffer
	log := slog.New(slog.NewTextHandler(&logged, nil))
	url, stop := serve(t, New(options(t, &engine{}, io.Discard)), Access{Token: secret, CertFile: old.cert, KeyFile: old.key, Log: log})
	defer stop()
	before := old.client(t, false)
	shows := func(c *http.Client, want string) {
		t.Helper()
		if res, err := post(t, c, url, sample(t, "terminal-shell")); err != nil || res.StatusCode != http.StatusAccepted {
			t.Errorf("%s: %v %v", want, res, err)
		}
		c.CloseIdleConnections()
	}
	shows(before, "the first certificate")

	replace(t, renewed.cert, old.cert)
	shows(before, "between the two files, the old one")
	if !strings.Contains(logged.String(), "level=ERROR") || !strings.Contains(logged.String(), old.cert) {
		t.Errorf("nothing was said about it: %s", logged.String())
	}

	replace(t, renewed.key, old.key)
	shows(renewed.client(t, false), "the new certificate")
	if _, err := post(t, before, url, sample(t, "terminal-shell")); err == nil {
		t.Error("the old certificate is still shown")
	}

	replace(t, old.ca, old.key)
	shows(renewed.client(t, false), "with a broken key, the new certificate")
}

func replace(t *testing.T, from, name string) {
	t.Helper()
	raw, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, raw, 0o600); err != nil {
		t.Fatal(err)
	}
}

// safeBuffer is a buffer that a test reads while the server writes.
type safeBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func TestRequestsInFlightFinish(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	e := &engine{before: func() { close(entered); <-release }}
	url, stop := serve(t, New(options(t, e, io.Discard)), Access{Token: secret})

	answered := make(chan string, 1)
	go func() {
		res, err := post(t, http.DefaultClient, url, sample(t, "terminal-shell"))
		if err != nil {
			answered <- err.Error()
			return
		}
		answered <- res.Status
	}()
	<-entered
	ended := make(chan struct{})
	go func() { stop(); close(ended) }()
	waitRefused(t, url)
	close(release)
	if got := <-answered; got != "202 Accepted" {
		t.Errorf("the request in flight got %s", got)
	}
	<-ended
}

func TestServeGivesUpAfterTheDrain(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	defer close(release)
	h := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { close(entered); <-release })
	l, err := Listen(t.Context(), "127.0.0.1:0", Access{Token: secret})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, l, h, 10*time.Millisecond, slog.New(slog.DiscardHandler)) }()
	go func() { _, _ = http.Get("http://" + l.Addr().String()) }()
	<-entered
	cancel()
	if err := <-ended; !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func serve(t *testing.T, h http.Handler, access Access) (url string, stop func()) {
	t.Helper()
	l, err := Listen(t.Context(), "127.0.0.1:0", access)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, l, h, 10*time.Second, slog.New(slog.DiscardHandler)) }()
	scheme := "http://"
	if access.CertFile != "" {
		scheme = "https://"
	}
	return scheme + l.Addr().String() + AlertPath, func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

func post(t *testing.T, c *http.Client, url, body string) (*http.Response, error) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, url, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+secret)
	res, err := c.Do(req)
	if err == nil {
		_ = res.Body.Close()
	}
	return res, err
}

// waitRefused waits until the listener takes no new connection.
func waitRefused(t *testing.T, url string) {
	t.Helper()
	address := strings.TrimSuffix(strings.TrimPrefix(url, "http://"), AlertPath)
	for range 500 {
		c, err := net.DialTimeout("tcp", address, time.Second)
		if err != nil {
			return
		}
		_ = c.Close()
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("still listening")
}

// pki is a CA with one certificate for server and client.
type pki struct{ ca, cert, key string }

func newPKI(t *testing.T) pki {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "CA"}, IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour)}
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "leaf"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		NotBefore:   ca.NotBefore, NotAfter: ca.NotAfter}
	dir := t.TempDir()
	p := pki{ca: filepath.Join(dir, "ca.pem"), cert: filepath.Join(dir, "cert.pem"), key: filepath.Join(dir, "key.pem")}
	rawKey, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, p.ca, "CERTIFICATE", sign(t, ca, ca, key))
	writePEM(t, p.cert, "CERTIFICATE", sign(t, leaf, ca, key))
	writePEM(t, p.key, "EC PRIVATE KEY", rawKey)
	return p
}

func sign(t *testing.T, cert, ca *x509.Certificate, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	raw, err := x509.CreateCertificate(rand.Reader, cert, ca, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func writePEM(t *testing.T, name, kind string, raw []byte) {
	t.Helper()
	if err := os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: raw}), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (p pki) client(t *testing.T, withCertificate bool) *http.Client {
	t.Helper()
	raw, err := os.ReadFile(p.ca)
	if err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
	config.RootCAs.AppendCertsFromPEM(raw)
	if withCertificate {
		pair, err := tls.LoadX509KeyPair(p.cert, p.key)
		if err != nil {
			t.Fatal(err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: config}}
}
