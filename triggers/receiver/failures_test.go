package receiver

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/triggers/falco"
)

// Expressions that fail on the sample of a terminal shell, and ones that do not.
const (
	failing = "alert.fields['no such field'] == ''"
	works   = "alert.target.pod"
)

// TestFailuresAreNotSilent: an expression that fails on an alert is named in the log, in the answer and in a counter,
// also where another playbook starts.
func TestFailuresAreNotSilent(t *testing.T) {
	for _, c := range []struct {
		name    string
		plans   []plan.Plan
		status  int
		outcome Outcome
		started []string // keys
		failed  []failed
		counted string
	}{
		{"the condition of another playbook", []plan.Plan{playbook("a", "", works), playbook("b", failing, works)},
			202, Accepted, []string{"cart-5b6c7d8e9f-aaaaa"},
			[]failed{{Playbook: "b", Expression: `trigger "falco"`, Reason: "no such key"}},
			`firebreak_alert_failures_total{playbook="b",expression="trigger"} 1`},
		{"the only condition", []plan.Plan{playbook("b", failing, works)},
			422, Unevaluable, nil,
			[]failed{{Playbook: "b", Expression: `trigger "falco"`, Reason: "no such key"}},
			`firebreak_alert_failures_total{playbook="b",expression="trigger"} 1`},
		{"a key", []plan.Plan{playbook("a", "", works), playbook("b", "", "alert.fields['no such field']")},
			202, Accepted, []string{"cart-5b6c7d8e9f-aaaaa", ""},
			[]failed{{Playbook: "b", Expression: "dedup key", Reason: "the alert's fingerprint is used instead"}},
			`firebreak_alert_failures_total{playbook="b",expression="dedup_key"} 1`},
		{"an empty key", []plan.Plan{playbook("b", "", "''")},
			202, Accepted, []string{""},
			[]failed{{Playbook: "b", Expression: "dedup key", Reason: "the alert's fingerprint is used instead"}},
			`firebreak_alert_failures_total{playbook="b",expression="dedup_key"} 1`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var logged bytes.Buffer
			e := &engine{}
			opts := options(t, e, &logged)
			opts.Router = routerOf(t, c.plans...)
			r := New(opts)
			if page := get(t, r, MetricsPath); !strings.Contains(page, strings.TrimSuffix(c.counted, "1")+"0") {
				t.Errorf("%s is not there from the start:\n%s", c.counted, page)
			}
			res := send(t, r, "", "", "", sample(t, "terminal-shell"))
			var got reply
			decode(t, res.Body, &got)
			if res.Code != c.status || got.Outcome != c.outcome {
				t.Errorf("got %d %+v", res.Code, got)
			}
			sameFailures(t, c.failed, got.Failed)
			if diff := cmp.Diff(workflows(e, c.started), started(e)); diff != "" {
				t.Errorf("started (-want +got):\n%s", diff)
			}
			if page := get(t, r, MetricsPath); !strings.Contains(page, c.counted) {
				t.Errorf("%s is not in\n%s", c.counted, page)
			}
			line := logged.String()
			if !strings.Contains(line, "level=ERROR") || !strings.Contains(line, "failed.playbook=b") || strings.Count(line, "\n") != 1 {
				t.Errorf("logged %s", line)
			}
		})
	}
}

// TestACutRequestMayBeSentAgain: a body that could not be read whole says nothing about the alert.
func TestACutRequestMayBeSentAgain(t *testing.T) {
	e := &engine{}
	req := request(t, "", "", "", "")
	req.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"rule":"x"`), iotest.ErrReader(errors.New("i/o timeout"))))
	res := httptest.NewRecorder()
	New(options(t, e, io.Discard)).ServeHTTP(res, req)
	if res.Code != http.StatusServiceUnavailable || res.Header().Get("Retry-After") == "" || len(e.started) > 0 {
		t.Errorf("got %d %s", res.Code, res.Body)
	}
}

// TestALostAlertIsAnError: a known sender's alert that was refused does not come again, so somebody must look.
func TestALostAlertIsAnError(t *testing.T) {
	for name, c := range map[string]struct{ token, kind, body, level string }{
		"malformed":    {"", "", `{`, "ERROR"},
		"too large":    {"", "", `{"output":"` + strings.Repeat("a", falco.MaxBytes) + `"}`, "ERROR"},
		"other type":   {"", "text/plain", `{}`, "ERROR"},
		"a stranger's": {"none", "", `{`, "INFO"},
		"unmatched":    {"", "", sample(t, "no-fields"), "INFO"},
		"accepted":     {"", "", sample(t, "terminal-shell"), "INFO"},
	} {
		var logged bytes.Buffer
		send(t, New(options(t, &engine{}, &logged)), "", c.token, c.kind, c.body)
		if !strings.Contains(logged.String(), "level="+c.level) {
			t.Errorf("%s: want level %s, logged %s", name, c.level, &logged)
		}
	}
}

// TestOddAlertsAreStarted: what one JSON reader takes and another does not must not lose an alert, nor forge a log line.
func TestOddAlertsAreStarted(t *testing.T) {
	for _, name := range []string{"odd", "odd-replaced", "hostile"} {
		var logged bytes.Buffer
		e := &engine{}
		opts := options(t, e, &logged)
		opts.Router = routerOf(t, playbook("a", "", works))
		res := send(t, New(opts), "", "", "", sample(t, name))
		if res.Code != http.StatusAccepted || len(e.started) != 1 {
			t.Errorf("%s: %d %s", name, res.Code, res.Body)
		}
		if line := strings.TrimSuffix(logged.String(), "\n"); strings.ContainsAny(line, "\x00\x1b\n\u202e") {
			t.Errorf("%s: forged line %q", name, line)
		}
	}
}

// sameFailures compares; a reason needs only hold the wanted words.
func sameFailures(t *testing.T, want, got []failed) {
	t.Helper()
	for i := range min(len(want), len(got)) {
		if strings.Contains(got[i].Reason, want[i].Reason) {
			got[i].Reason = want[i].Reason
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("failed (-want +got):\n%s", diff)
	}
}

// workflows are the ids of what was started, had it these keys; an empty one stands for the fingerprint.
func workflows(e *engine, keys []string) []string {
	var ids []string
	for i, key := range keys {
		if i >= len(e.started) {
			return append(ids, "and more")
		}
		if key == "" {
			key = plan.Fingerprint(e.started[i].Alert)
		}
		ids = append(ids, plan.WorkflowID(e.started[i].Plan.Name, key))
	}
	return ids
}

func started(e *engine) []string {
	var ids []string
	for _, s := range e.started {
		ids = append(ids, s.Workflow)
	}
	return ids
}

func playbook(name, when, key string) plan.Plan {
	t := plan.Trigger{ID: "falco", Falco: &plan.FalcoTrigger{}}
	if when != "" {
		t.Falco.When = &plan.Expr{Source: when}
	}
	return plan.Plan{Name: name, Dedup: plan.Dedup{Key: plan.Expr{Source: key}}, Triggers: []plan.Trigger{t}}
}
