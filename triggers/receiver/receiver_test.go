package receiver

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/triggers"
	"github.com/firebreak-ir/firebreak/triggers/falco"
)

const secret = "0123456789abcdef0123456789abcdef"

func TestAnswers(t *testing.T) {
	shell := sample(t, "terminal-shell")
	for _, c := range []struct {
		name           string
		method         string
		token, kind    string
		body           string
		down           bool
		status         int
		outcome        Outcome
		reasonContains string
	}{
		{name: "accepted", body: shell, status: 202, outcome: Accepted},
		{name: "test event", body: sample(t, "connection-test"), status: 200, outcome: Tested, reasonContains: "connection test"},
		{name: "unmatched", body: sample(t, "no-fields"), status: 200, outcome: Unmatched, reasonContains: "no playbook's trigger matches"},
		{name: "malformed", body: `{"rule":7}`, status: 400, outcome: Malformed, reasonContains: "alert: rule: want text, got a number; alert: priority: is missing"},
		{name: "empty", body: ``, status: 400, outcome: Malformed, reasonContains: "empty"},
		{name: "no token", token: "none", body: shell, status: 401, outcome: Unauthorized},
		{name: "wrong token", token: "Bearer " + secret + "x", body: shell, status: 401, outcome: Unauthorized},
		{name: "other scheme", token: "Basic " + secret, body: shell, status: 401, outcome: Unauthorized},
		{name: "get", method: "GET", status: 405, outcome: WrongMethod},
		{name: "too large", body: `{"output":"` + strings.Repeat("a", falco.MaxBytes) + `"}`, status: 413, outcome: TooLarge},
		{name: "form", kind: "text/plain", body: shell, status: 415, outcome: WrongType, reasonContains: "text/plain"},
		{name: "unevaluable", body: sample(t, "host-process"), status: 422, outcome: Unevaluable, reasonContains: "no namespace"},
		{name: "engine down", body: shell, down: true, status: 503, outcome: Unavailable, reasonContains: "1 of 1 playbooks"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var logged bytes.Buffer
			r := New(options(t, &engine{down: c.down}, &logged))
			res := send(t, r, c.method, c.token, c.kind, c.body)
			var got reply
			decode(t, res.Body, &got)
			if res.Code != c.status || got.Outcome != c.outcome || !strings.Contains(got.Reason, c.reasonContains) {
				t.Errorf("got %d %+v, want %d %s … %s", res.Code, got, c.status, c.outcome, c.reasonContains)
			}
			if c.down != (res.Header().Get("Retry-After") != "") {
				t.Errorf("Retry-After is %q", res.Header().Get("Retry-After"))
			}
			counted := fmt.Sprintf("firebreak_alerts_total{outcome=%q} 1\n", c.outcome)
			if page := get(t, r, MetricsPath); !strings.Contains(page, counted) {
				t.Errorf("not counted as %s:\n%s", counted, page)
			}
			if lines := strings.Count(logged.String(), "\n"); lines != 1 {
				t.Errorf("logged %d lines:\n%s", lines, &logged)
			}
		})
	}
}

func TestAcceptedNamesTheCase(t *testing.T) {
	e := &engine{}
	res := send(t, New(options(t, e, io.Discard)), "", "", "", sample(t, "terminal-shell"))
	id := plan.WorkflowID("pod", "store/cart-5b6c7d8e9f-aaaaa")
	want := map[string]any{"outcome": "accepted", "alert": "5c1f0a52-6a0c-4f9e-9a53-0d6d7f9f9a01", "case": id + ".run00001",
		"workflow": id, "run": "run00001", "playbook": "pod", "joined": false}
	var got map[string]any
	decode(t, res.Body, &got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("reply (-want +got):\n%s", diff)
	}
	if len(e.started) != 1 || e.started[0].Alert.Cluster != "lab" {
		t.Errorf("started %+v, want one alert of cluster lab", e.started)
	}
}

func TestSeveralPlaybooks(t *testing.T) {
	e := &engine{broken: "second"}
	opts := options(t, e, io.Discard)
	opts.Router = router(t, "first", "second", "third")
	res := send(t, New(opts), "", "", "", sample(t, "terminal-shell"))
	if res.Code != http.StatusServiceUnavailable || len(e.started) != 2 {
		t.Fatalf("got %d after %d starts, want 503 after the two others were started", res.Code, len(e.started))
	}
	e.broken = ""
	res = send(t, New(opts), "", "", "", sample(t, "terminal-shell"))
	var got reply
	decode(t, res.Body, &got)
	if res.Code != http.StatusAccepted || len(got.cases()) != 3 {
		t.Errorf("sent again: got %d %+v, want 202 and three cases", res.Code, got)
	}
}

func TestASenderThatHangsUpDoesNotStopTheStart(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	e := &engine{before: cancel}
	req := request(t, "", "", "", sample(t, "terminal-shell")).WithContext(ctx)
	res := httptest.NewRecorder()
	New(options(t, e, io.Discard)).ServeHTTP(res, req)
	if res.Code != http.StatusAccepted {
		t.Errorf("got %d, want the run started", res.Code)
	}
}

func TestLogsCannotBeForged(t *testing.T) {
	var logged bytes.Buffer
	send(t, New(options(t, &engine{}, &logged)), "", "", "", sample(t, "hostile"))
	for line := range strings.Lines(logged.String()) {
		if !strings.HasPrefix(line, "time=") || strings.ContainsAny(strings.TrimSuffix(line, "\n"), "\x00\x1b\n") {
			t.Errorf("forged line %q", line)
		}
	}
}

func TestHealthAndReadiness(t *testing.T) {
	opts := options(t, &engine{}, io.Discard)
	var down error
	opts.Ready = func(context.Context) error { return down }
	r := New(opts)
	for _, path := range []string{HealthPath, ReadyPath} {
		if res := fetch(r, path); res.Code != http.StatusOK {
			t.Errorf("%s: %d", path, res.Code)
		}
	}
	down = errors.New("connection refused to 10.0.0.7")
	res := fetch(r, ReadyPath)
	if res.Code != http.StatusServiceUnavailable || strings.Contains(res.Body.String(), "10.0.0.7") {
		t.Errorf("engine down: %d %s", res.Code, res.Body)
	}
}

func TestMetricsHoldNoAlertText(t *testing.T) {
	r := New(options(t, &engine{}, io.Discard))
	for range 3 {
		send(t, r, "", "", "", sample(t, "hostile"))
		send(t, r, "", "", "", sample(t, "terminal-shell"))
	}
	page := get(t, r, MetricsPath)
	for _, text := range []string{"Terminal", "rule", "cart", "etc"} {
		if strings.Contains(page, text) {
			t.Errorf("metrics hold %q:\n%s", text, page)
		}
	}
	if !strings.Contains(page, `firebreak_alert_starts_total{playbook="pod"} 6`) {
		t.Errorf("starts are not counted:\n%s", page)
	}
}

// engine keeps what it was told to start.
type engine struct {
	mu      sync.Mutex
	down    bool
	broken  string // a playbook
	before  func()
	started []triggers.Start
}

func (e *engine) Start(ctx context.Context, s triggers.Start) (triggers.Case, error) {
	if e.before != nil {
		e.before()
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.down || e.broken == s.Plan.Name {
		return triggers.Case{}, errors.New("connection refused")
	}
	e.started = append(e.started, s)
	return triggers.Case{Case: s.Workflow + ".run00001", Workflow: s.Workflow, Run: "run00001", Playbook: s.Plan.Name}, ctx.Err()
}

// router routes alerts on pods. Its condition cannot be decided on the sample of a host's process, which lacks a field.
func router(t *testing.T, names ...string) *triggers.Router {
	t.Helper()
	when := &plan.Expr{Source: `alert.target.namespace != '' || alert.target.node != '' && alert.fields['no namespace'] == 1`}
	var plans []plan.Plan
	for _, name := range names {
		plans = append(plans, plan.Plan{
			Name:     name,
			Dedup:    plan.Dedup{Key: plan.Expr{Source: "alert.target.namespace + '/' + alert.target.pod"}},
			Triggers: []plan.Trigger{{ID: "falco", Falco: &plan.FalcoTrigger{MinPriority: "Notice", When: when}}},
		})
	}
	return routerOf(t, plans...)
}

func routerOf(t *testing.T, plans ...plan.Plan) *triggers.Router {
	t.Helper()
	r, err := triggers.NewRouter(plans, plan.NewEvaluator())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func options(t *testing.T, e *engine, log io.Writer) Options {
	t.Helper()
	return Options{
		Cluster: "lab", Router: router(t, "pod"), Starter: e, Token: secret, Timeout: 5 * time.Second,
		Ready: func(context.Context) error { return nil },
		Log:   slog.New(slog.NewTextHandler(log, nil)),
	}
}

func request(t *testing.T, method, token, kind, body string) *http.Request {
	t.Helper()
	if method == "" {
		method = http.MethodPost
	}
	req := httptest.NewRequest(method, AlertPath, strings.NewReader(body))
	switch token {
	case "":
		req.Header.Set("Authorization", "Bearer "+secret)
	case "none":
	default:
		req.Header.Set("Authorization", token)
	}
	if kind == "" {
		kind = "application/json; charset=utf-8"
	}
	req.Header.Set("Content-Type", kind)
	return req
}

func send(t *testing.T, h http.Handler, method, token, kind, body string) *httptest.ResponseRecorder {
	t.Helper()
	res := httptest.NewRecorder()
	h.ServeHTTP(res, request(t, method, token, kind, body))
	return res
}

func fetch(h http.Handler, path string) *httptest.ResponseRecorder {
	res := httptest.NewRecorder()
	h.ServeHTTP(res, httptest.NewRequest(http.MethodGet, path, nil))
	return res
}

func get(t *testing.T, h http.Handler, path string) string {
	t.Helper()
	res := fetch(h, path)
	if res.Code != http.StatusOK {
		t.Fatalf("%s: %d", path, res.Code)
	}
	return res.Body.String()
}

func sample(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile("../falco/testdata/ok/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func decode(t *testing.T, from io.Reader, into any) {
	t.Helper()
	if err := json.NewDecoder(from).Decode(into); err != nil {
		t.Fatal(err)
	}
}
