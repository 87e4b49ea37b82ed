package alertmanager_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/triggers/alertmanager"
)

const group = `{"version":"4","groupKey":"{}:{alertname=\"NodeHighEgress\"}","status":"firing","receiver":"firebreak","truncatedAlerts":3,
"groupLabels":{"alertname":"NodeHighEgress"},"commonLabels":{},"commonAnnotations":{},"externalURL":"http://am:9093","alerts":[
{"status":"firing","labels":{"alertname":"NodeHighEgress","severity":"critical","namespace":"shop","pod":"web-1","node":"n1"},
 "annotations":{"summary":"much goes out"},"startsAt":"2026-07-01T12:00:00.5+02:00","endsAt":"0001-01-01T00:00:00Z","generatorURL":"","fingerprint":"5ef7"},
{"status":"resolved","labels":{"alertname":"NodeHighEgress"},"annotations":{},"startsAt":"2026-07-01T11:00:00Z","endsAt":"2026-07-01T11:30:00Z","fingerprint":"aa"},
{"status":"firing","labels":{"alertname":"Odd","severity":"whatever"},"annotations":null,"startsAt":"2026-07-01T11:00:00Z","fingerprint":"bb"}]}`

func TestDecode(t *testing.T) {
	got, err := alertmanager.Decode(strings.NewReader(group))
	if err != nil {
		t.Fatal(err)
	}
	want := alertmanager.Group{Resolved: 1, Truncated: 3, Firing: []plan.Alert{
		{
			ID: "5ef7", Source: "alertmanager", Rule: "NodeHighEgress", Priority: "Critical", Time: time.Date(2026, 7, 1, 10, 0, 0, 500_000_000, time.UTC),
			Summary: "much goes out", Target: plan.Target{Namespace: "shop", Pod: "web-1", Node: "n1"},
			Fields: map[string]any{
				"labels":      map[string]any{"alertname": "NodeHighEgress", "severity": "critical", "namespace": "shop", "pod": "web-1", "node": "n1"},
				"annotations": map[string]any{"summary": "much goes out"},
			},
		},
		{
			ID: "bb", Source: "alertmanager", Rule: "Odd", Priority: "Notice", Time: time.Date(2026, 7, 1, 11, 0, 0, 0, time.UTC),
			Fields: map[string]any{"labels": map[string]any{"alertname": "Odd", "severity": "whatever"}, "annotations": map[string]any{}},
		},
	}}
	if d := cmp.Diff(want, got); d != "" {
		t.Fatal(d)
	}
}

func TestDecodeRefuses(t *testing.T) {
	many := `{"version":"4","alerts":[` + strings.TrimSuffix(strings.Repeat(`{"status":"resolved"},`, 10_001), ",") + `]}`
	tests := []struct{ name, body, wrong string }{
		{"nothing", "", "the body is empty"},
		{"half", `{"version":"4"`, "ends in the middle"},
		{"two", `{"version":"4","alerts":[{"status":"resolved"}]} {}`, "something follows"},
		{"another version", `{"version":"3","alerts":[]}`, `version: want "4"`},
		{"no alerts", `{"version":"4"}`, "alerts: is empty"},
		{"a wrong type", `{"version":"4","alerts":[{"labels":{"a":3}}]}`, "got number"},
		{"too many", many, "holds 10001 alerts"},
		{"too large", strings.Repeat(" ", alertmanager.MaxBytes+1), "larger than"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := alertmanager.Decode(strings.NewReader(test.body))
			if !errors.As(err, new(*alertmanager.MalformedError)) || !strings.Contains(err.Error(), test.wrong) {
				t.Fatal(err)
			}
		})
	}
}

// TestOneAlertThatCannotBeReadIsNotTheOthersLoss: no sender gives a group again that was refused.
func TestOneAlertThatCannotBeReadIsNotTheOthersLoss(t *testing.T) {
	body := fmt.Sprintf(`{"version":"4","alerts":[{"status":"firing","labels":{"alertname":"a","x":%q}},
		{"status":"pending","labels":{"alertname":"a"}},{"status":"firing","labels":{"pod":"web"}}]}`, strings.Repeat("y", 5000))
	got, err := alertmanager.Decode(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Firing) != 1 || got.Firing[0].Rule != alertmanager.Unnamed {
		t.Fatalf("%+v", got.Firing)
	}
	want := "alerts: alerts[0].labels[\"x\"]: longer than 4000 bytes\n" +
		"alerts: alerts[1].status: want firing or resolved, got \"pending\""
	if d := cmp.Diff(want, errors.Join(got.Wrong...).Error()); d != "" {
		t.Fatal(d)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(group)
	f.Add(`{"version":"4","alerts":[{"status":"firing","labels":{"alertname":"a"}}]}`)
	f.Fuzz(func(t *testing.T, body string) {
		g, err := alertmanager.Decode(strings.NewReader(body))
		if err != nil {
			return
		}
		for _, a := range g.Firing {
			if _, known := plan.PriorityRank(a.Priority); a.Rule == "" || !known {
				t.Fatalf("%+v", a)
			}
		}
	})
}
