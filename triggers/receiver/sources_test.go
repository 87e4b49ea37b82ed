package receiver

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/triggers"
)

// sourced is a router with real triggers of two sources.
func sourced(t *testing.T) *triggers.Router {
	t.Helper()
	expr := func(source string) plan.Value { return plan.Value{Expr: &plan.Expr{Source: source}} }
	key := plan.Dedup{Key: plan.Expr{Source: "alert.rule + '/' + alert.target.pod"}}
	when := plan.Expr{Source: "alert.target.namespace == 'shop'"}
	r, err := triggers.NewRouter([]plan.Plan{
		{Name: "am", Dedup: key, Triggers: []plan.Trigger{{ID: "prometheus", Alertmanager: &plan.AlertmanagerTrigger{
			Matchers: []plan.Matcher{{Label: "severity", Op: "=", Value: "critical"}},
		}}}},
		{Name: "ce", Dedup: key, Triggers: []plan.Trigger{{ID: "door", CloudEvents: &plan.CloudEventsTrigger{
			Types: []string{"door.open"}, When: &when,
			Map: []plan.Entry{
				{Key: "rule", Value: expr("'Door ' + event.data.door")}, {Key: "target.namespace", Value: expr("event.data.ns")},
				{Key: "target.pod", Value: expr("event.subject")}, {Key: "priority", Value: expr("event.data.how")},
			},
		}}}},
	}, plan.NewEvaluator())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func hand(t *testing.T, r http.Handler, path, kind, body string) (int, groupReply) {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body))
	req.Header.Set("Content-Type", kind)
	req.Header.Set("Authorization", "Bearer "+secret)
	res := httptest.NewRecorder()
	r.ServeHTTP(res, req)
	var got groupReply
	if err := json.Unmarshal(res.Body.Bytes(), &got); err != nil {
		t.Fatalf("%s: %v", res.Body, err)
	}
	return res.Code, got
}

func TestAGroupOfAlertmanagerIsAnsweredAsAWhole(t *testing.T) {
	firing := func(pod, severity string) string {
		return `{"status":"firing","labels":{"alertname":"Mining","severity":"` + severity + `","pod":"` + pod + `"},"startsAt":"2026-07-01T12:00:00Z","fingerprint":"` + pod + `"}`
	}
	body := func(alerts ...string) string { return `{"version":"4","alerts":[` + strings.Join(alerts, ",") + `]}` }
	var storm []string
	for i := range 1000 {
		storm = append(storm, firing(fmt.Sprintf("pod-%d", i), "critical"))
	}
	tests := []struct {
		name, body string
		down       bool
		status     int
		outcome    Outcome
		started    int
	}{
		{"two fire, one is over", body(firing("a", "critical"), firing("b", "critical"), `{"status":"resolved"}`), false, 202, Accepted, 2},
		{"one of two matches", body(firing("a", "critical"), firing("b", "warning")), false, 202, Accepted, 1},
		{"none matches", body(firing("a", "warning")), false, 200, Unmatched, 0},
		{"all are over", body(`{"status":"resolved"}`), false, 200, Resolved, 0},
		{"the engine is down", body(firing("a", "critical"), firing("b", "warning")), true, 503, Unavailable, 0},
		{"one cannot be read", body(firing("a", "critical"), `{"status":"pending"}`), false, 202, Accepted, 1},
		{"one cannot be read, and one is to be sent again", body(firing("a", "critical"), `{"status":"pending"}`), true, 503, Unavailable, 0},
		{"some were left out", `{"version":"4","truncatedAlerts":7,"alerts":[` + firing("a", "warning") + `]}`, false, 400, Malformed, 0},
		{"a storm", body(storm...), false, 202, Accepted, len(storm)},
		{"malformed", `{"version":"4","alerts":[{"status":"pending"}]}`, false, 400, Malformed, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e := &engine{down: test.down}
			opts := options(t, e, io.Discard)
			opts.Router = sourced(t)
			r := New(opts)
			status, got := hand(t, r, AlertmanagerPath, "application/json", test.body)
			if status != test.status || got.Outcome != test.outcome || len(e.started) != test.started {
				t.Fatalf("%d %+v, %d started", status, got, len(e.started))
			}
			if page := get(t, r, MetricsPath); !strings.Contains(page, fmt.Sprintf("firebreak_alerts_total{outcome=%q} ", test.outcome)) ||
				strings.Contains(page, fmt.Sprintf("firebreak_alerts_total{outcome=%q} 0\n", test.outcome)) {
				t.Errorf("not counted as %s:\n%s", test.outcome, page)
			}
		})
	}
}

func TestAnEventBecomesAnAlertByTheTriggersMapping(t *testing.T) {
	event := func(kind, ns, how string) string {
		return `{"specversion":"1.0","id":"1","source":"/doors","type":"` + kind + `","subject":"web-1","data":{"door":"3","ns":"` + ns + `","how":"` + how + `"}}`
	}
	tests := []struct {
		name, body string
		outcome    Outcome
	}{
		{"mapped", event("door.open", "shop", "critical"), Accepted},
		{"another type", event("door.shut", "shop", "critical"), Unmatched},
		{"its condition is false", event("door.open", "other", "critical"), Unmatched},
		{"no such priority", event("door.open", "shop", "loud"), Unevaluable},
		{"nothing to map", `{"specversion":"1.0","id":"1","source":"/doors","type":"door.open"}`, Unevaluable},
		{"no event", `{}`, Malformed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e := &engine{}
			opts := options(t, e, io.Discard)
			opts.Router = sourced(t)
			_, got := hand(t, New(opts), EventPath, "application/cloudevents+json", test.body)
			if got.Outcome != test.outcome {
				t.Fatalf("%+v", got)
			}
			if test.outcome != Accepted {
				return
			}
			a := e.started[0].Alert
			if a.Rule != "Door 3" || a.Target.Namespace != "shop" || a.Target.Pod != "web-1" || a.Priority != "Critical" || a.Cluster != "lab" || a.Time.IsZero() {
				t.Fatalf("%+v", a)
			}
			if e.started[0].Workflow != plan.WorkflowID("ce", "Door 3/web-1") {
				t.Fatal("the key is not that of the mapped alert")
			}
		})
	}
}
