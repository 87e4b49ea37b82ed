package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

const testToken = "0123456789abcdef0123456789abcdef"

const shellPlaybook = `
apiVersion: firebreak/v1
kind: Playbook
metadata: {name: shell, version: 1.0.0}
triggers:
  - id: falco
    falco: {rules: [Terminal shell in container]}
dedup: {key: alert.target.namespace + '/' + alert.target.pod}
steps:
  - id: ticket
    phase: improve
    uses: ticket.open
    with: {title: "Look at ${{ alert.target.pod }}"}
`

// TestServeWithoutTemporal: the receiver starts, says that it is not ready, refuses alerts with 503 so that their
// sender knows, answers everything that needs no Temporal, and stops cleanly.
func TestServeWithoutTemporal(t *testing.T) {
	t.Setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
	s := startServe(t)
	shell := falcoSample(t, "terminal-shell")
	for _, c := range []struct {
		name, path, token, body string
		status                  int
		says                    string
	}{
		{"shell", "/v1/falco", testToken, shell, 503, "1 of 1 playbooks could not be started"},
		{"unmatched", "/v1/falco", testToken, falcoSample(t, "no-fields"), 200, "no playbook's trigger matches"},
		{"test event", "/v1/falco", testToken, falcoSample(t, "connection-test"), 200, "connection test"},
		{"malformed", "/v1/falco", testToken, "{", 400, "ends in the middle"},
		{"no token", "/v1/falco", "", shell, 401, "token"},
	} {
		status, body, header := s.post(t, c.path, c.token, c.body)
		if status != c.status || !strings.Contains(body, c.says) {
			t.Errorf("%s: %d %s", c.name, status, body)
		}
		if (header.Get("Retry-After") != "") != (c.status == 503) {
			t.Errorf("%s: Retry-After is %q", c.name, header.Get("Retry-After"))
		}
	}
	for path, status := range map[string]int{"/healthz": 200, "/readyz": 503, "/metrics": 200} {
		if got, body := s.get(t, path); got != status {
			t.Errorf("%s: %d %s", path, got, body)
		}
	}
	if _, page := s.get(t, "/metrics"); !strings.Contains(page, `firebreak_alerts_total{outcome="unavailable"} 1`) {
		t.Errorf("the refused alert is not counted:\n%s", page)
	}
	if code := s.stop(t); code != exitOK || !strings.Contains(s.log.String(), "msg=stopped") {
		t.Errorf("ended with %d:\n%s", code, &s.log)
	}
}

// TestWorkerWithoutTemporal: a worker waits for Temporal and stops at once when it is told to.
func TestWorkerWithoutTemporal(t *testing.T) {
	t.Setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
	t.Chdir(t.TempDir())
	var log safeBuffer
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	sys := system{stdout: io.Discard, stderr: &log, now: time.Now, env: os.LookupEnv}
	if code := run(ctx, sys, []string{"worker", "--health", "127.0.0.1:0"}); code != exitOK || !strings.Contains(log.String(), "msg=stopped") {
		t.Errorf("ended with %d:\n%s", code, &log)
	}
}

// served is `firebreak serve`, running.
type served struct {
	url  string
	log  safeBuffer
	end  context.CancelFunc
	code chan int
}

func startServe(t *testing.T) *served {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	for name, text := range map[string]string{
		"firebreak.yaml": "playbooks: [shell.yaml]\nreceiver: {listen: '127.0.0.1:0', token: 'file:token'}\n",
		"shell.yaml":     shellPlaybook, "token": testToken + "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := &served{code: make(chan int, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	s.end = cancel
	t.Cleanup(cancel)
	sys := system{stdout: io.Discard, stderr: &s.log, now: time.Now, env: os.LookupEnv}
	go func() { s.code <- run(ctx, sys, []string{"serve"}) }()
	s.url = "http://" + s.address(t)
	return s
}

func (s *served) address(t *testing.T) string {
	t.Helper()
	line := regexp.MustCompile(`msg="listening for alerts" address=(\S+)`)
	for range 1000 {
		if m := line.FindStringSubmatch(s.log.String()); m != nil {
			return m[1]
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("does not listen:\n%s", &s.log)
	return ""
}

func (s *served) stop(t *testing.T) int {
	t.Helper()
	s.end()
	select {
	case code := <-s.code:
		return code
	case <-time.After(30 * time.Second):
		t.Fatalf("does not stop:\n%s", &s.log)
		return -1
	}
}

func (s *served) post(t *testing.T, path, token, body string) (int, string, http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return s.do(t, req)
}

func (s *served) get(t *testing.T, path string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	status, body, _ := s.do(t, req)
	return status, body
}

func (s *served) do(t *testing.T, req *http.Request) (int, string, http.Header) {
	t.Helper()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body), res.Header
}

func falcoSample(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(sourceDir(t), "../../triggers/falco/testdata/ok", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// safeBuffer is a buffer that a test reads while a command writes.
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
