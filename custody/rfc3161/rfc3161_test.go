package rfc3161_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/firebreak-ir/firebreak/custody/rfc3161"
	"github.com/firebreak-ir/firebreak/custody/rfc3161/tsatest"
)

func client(url string, roots *x509.CertPool) rfc3161.Client {
	return rfc3161.Client{URL: url, Roots: roots, HTTP: &http.Client{}, Random: rand.Reader, Limit: 10 * time.Second}
}

func TestOpenSSLsTimestampsAreTakenAndItTakesThem(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"rsa", "ec"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			tsa := tsatest.Start(t, kind)
			digest := sha256.Sum256([]byte("sealed"))
			raw, err := client(tsa.URL, tsa.Roots(t)).Stamp(t.Context(), digest)
			if err != nil {
				t.Fatal(err)
			}
			r, err := rfc3161.Parse(raw)
			if err != nil || r.Policy != "1.2.3.4.1" || time.Since(r.Time).Abs() > time.Minute {
				t.Fatalf("%+v, %v", r, err)
			}
			dir := t.TempDir()
			data, response := filepath.Join(dir, "data"), filepath.Join(dir, "tsr")
			for name, content := range map[string][]byte{data: []byte("sealed"), response: raw} {
				if err := os.WriteFile(name, content, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := tsa.Accepts(t.Context(), data, response); err != nil {
				t.Error(err)
			}
			if err := os.WriteFile(data, []byte("other"), 0o600); err != nil || tsa.Accepts(t.Context(), data, response) == nil {
				t.Error("openssl takes it for another file too: it proves nothing", err)
			}
		})
	}
}

// stamped gives a response of a TSA with an elliptic key.
func stamped(t *testing.T) (raw []byte, digest [sha256.Size]byte, roots *x509.CertPool) {
	t.Helper()
	tsa := tsatest.Start(t, "ec")
	digest, roots = sha256.Sum256([]byte("sealed")), tsa.Roots(t)
	raw, err := client(tsa.URL, roots).Stamp(t.Context(), digest)
	if err != nil {
		t.Fatal(err)
	}
	return raw, digest, roots
}

// TestAnyByteThatIsSignedCounts alters each byte of a response. What stays good must say the same: DER leaves room for
// it in what is not signed, such as the status.
func TestAnyByteThatIsSignedCounts(t *testing.T) {
	t.Parallel()
	raw, digest, roots := stamped(t)
	good, err := rfc3161.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	passed := 0
	for i := range raw {
		altered := bytes.Clone(raw)
		altered[i] ^= 1
		r, err := rfc3161.Parse(altered)
		if err != nil || r.Verify(digest, roots) != nil {
			continue
		}
		passed++
		if !r.Time.Equal(good.Time) || r.Serial.Cmp(good.Serial) != 0 || !bytes.Equal(r.SHA256, good.SHA256) || r.Nonce.Cmp(good.Nonce) != 0 {
			t.Errorf("byte %d: another timestamp verifies: %+v", i, r)
		}
	}
	if passed > 20 { // of some 900: versions, and the list of digests before the content
		t.Errorf("%d altered responses verify", passed)
	}
}

func TestTimestampsThatAreRefused(t *testing.T) {
	t.Parallel()
	raw, digest, _ := stamped(t)
	r, err := rfc3161.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Verify(digest, nil); err != nil {
		t.Errorf("without roots: %v", err)
	}
	if err := r.Verify(digest, x509.NewCertPool()); err == nil || !strings.Contains(err.Error(), "the timestamp's certificate") {
		t.Errorf("of a stranger: %v", err)
	}
	if err := r.Verify(sha256.Sum256([]byte("another")), nil); err == nil || !strings.Contains(err.Error(), "is of the SHA-256") {
		t.Errorf("of something else: %v", err)
	}
	if _, err := rfc3161.Parse(append(bytes.Clone(raw), 0)); err == nil {
		t.Error("something follows it")
	}
	for n := range raw {
		if _, err := rfc3161.Parse(raw[:n]); err == nil {
			t.Fatalf("cut after %d bytes", n)
		}
	}
}

func TestACertificateForOtherThingsIsRefused(t *testing.T) {
	t.Parallel()
	tsa := tsatest.Start(t, "ec")
	tsa.Certify(t, "web", "ec", "server")
	for name, good := range map[string]bool{"tsa": true, "web": false, "root": false} {
		raw, err := os.ReadFile(filepath.Join(tsa.Dir, name+".pem"))
		if err != nil {
			t.Fatal(err)
		}
		block, _ := pem.Decode(raw)
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		if err := rfc3161.ForTimestamps(cert); (err == nil) != good {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestATSAThatIsDownIsAnErrorInBoundedTime has one that refuses, one that never answers and some that answer nonsense.
func TestATSAThatIsDownIsAnErrorInBoundedTime(t *testing.T) {
	t.Parallel()
	never, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = never.Close() })
	gone := httptest.NewServer(nil)
	gone.Close()
	answers := func(code int, body []byte) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(code)
			_, _ = w.Write(body)
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	replayed, _, _ := stamped(t)
	for name, test := range map[string]struct{ url, wrong string }{
		"refuses":    {gone.URL, "connection refused"},
		"hangs":      {"http://" + never.Addr().String(), context.DeadlineExceeded.Error()},
		"fails":      {answers(http.StatusServiceUnavailable, nil), "503"},
		"nonsense":   {answers(http.StatusOK, []byte("hello")), "read the timestamp response"},
		"too long":   {answers(http.StatusOK, make([]byte, rfc3161.MaxBytes+1)), "more than"},
		"refusal":    {answers(http.StatusOK, []byte{0x30, 0x05, 0x30, 0x03, 0x02, 0x01, 0x02}), "the TSA refused: status 2"},
		"no stamp":   {answers(http.StatusOK, []byte{0x30, 0x05, 0x30, 0x03, 0x02, 0x01, 0x00}), "holds no timestamp"},
		"an old one": {answers(http.StatusOK, replayed), "its nonce is not the one"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := client(test.url, nil)
			c.Limit = 300 * time.Millisecond
			if name != "hangs" {
				c.Limit = time.Minute
			}
			_, err := c.Stamp(t.Context(), sha256.Sum256([]byte("sealed")))
			if err == nil || !strings.Contains(err.Error(), test.wrong) || !strings.Contains(err.Error(), test.url) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte{0x30, 0x05, 0x30, 0x03, 0x02, 0x01, 0x02})
	genuine, err := os.ReadFile(filepath.Join("testdata", "ec.tsr"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(genuine)
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := rfc3161.Parse(raw)
		if err != nil {
			return
		}
		if r.Verify(sha256.Sum256([]byte("nobody has ever stamped this")), nil) == nil {
			t.Fatal("a timestamp of nobody verifies")
		}
	})
}
