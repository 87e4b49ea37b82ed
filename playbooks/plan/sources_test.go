package plan_test

import (
	"testing"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

func TestTriggersOfEachSource(t *testing.T) {
	am := func(labels map[string]any) plan.Alert {
		return plan.Alert{Source: "alertmanager", Rule: "PodCryptoMining", Fields: map[string]any{"labels": labels}}
	}
	event := plan.Alert{Source: "cloudevents", Fields: map[string]any{"type": "com.example.alert", "source": "/sensors"}}
	when := plan.Expr{Source: "alert.rule == 'PodCryptoMining'"}
	matchers := func(list ...plan.Matcher) plan.Trigger {
		return plan.Trigger{Alertmanager: &plan.AlertmanagerTrigger{Matchers: list, When: &when}}
	}
	tests := []struct {
		name    string
		trigger plan.Trigger
		alert   plan.Alert
		want    bool
	}{
		{"every alert", plan.Trigger{Alertmanager: &plan.AlertmanagerTrigger{}}, am(nil), true},
		{"equal", matchers(plan.Matcher{Label: "severity", Op: "=", Value: "critical"}), am(map[string]any{"severity": "critical"}), true},
		{"not equal", matchers(plan.Matcher{Label: "severity", Op: "=", Value: "critical"}), am(map[string]any{"severity": "warning"}), false},
		{"one of two does not hold", matchers(plan.Matcher{Label: "severity", Op: "=", Value: "critical"}, plan.Matcher{Label: "team", Op: "!=", Value: "shop"}), am(map[string]any{"severity": "critical", "team": "shop"}), false},
		{"an absent label is empty", matchers(plan.Matcher{Label: "team", Op: "=", Value: ""}, plan.Matcher{Label: "team", Op: "!=", Value: "x"}), am(nil), true},
		{"an expression is anchored", matchers(plan.Matcher{Label: "alertname", Op: "=~", Value: "Pod|Node"}), am(map[string]any{"alertname": "PodCryptoMining"}), false},
		{"an expression", matchers(plan.Matcher{Label: "alertname", Op: "=~", Value: "Pod.*|Node"}), am(map[string]any{"alertname": "PodCryptoMining"}), true},
		{"not an expression", matchers(plan.Matcher{Label: "alertname", Op: "!~", Value: "Pod.*"}), am(map[string]any{"alertname": "PodCryptoMining"}), false},
		{"another source", plan.Trigger{Alertmanager: &plan.AlertmanagerTrigger{}}, plan.Alert{Source: "falco"}, false},
		{"every event", plan.Trigger{CloudEvents: &plan.CloudEventsTrigger{}}, event, true},
		{"an event of that type", plan.Trigger{CloudEvents: &plan.CloudEventsTrigger{Types: []string{"a", "com.example.alert"}, Source: "/sensors"}}, event, true},
		{"an event of another type", plan.Trigger{CloudEvents: &plan.CloudEventsTrigger{Types: []string{"a"}}}, event, false},
		{"an event of another source", plan.Trigger{CloudEvents: &plan.CloudEventsTrigger{Source: "/other"}}, event, false},
		{"a schedule matches no alert", plan.Trigger{Schedule: &plan.ScheduleTrigger{}}, event, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := plan.NewEvaluator().Matches(test.trigger, test.alert)
			if err != nil || got != test.want {
				t.Fatalf("%v, %v", got, err)
			}
		})
	}
	broken := matchers(plan.Matcher{Label: "a", Op: "=~", Value: "("})
	if _, err := plan.NewEvaluator().Matches(broken, am(nil)); err == nil {
		t.Error("a broken expression matches without an error")
	}
}
