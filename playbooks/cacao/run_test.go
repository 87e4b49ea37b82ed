package cacao_test

import (
	"strings"
	"testing"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/cacao"
)

func TestARunIsThePlaybookWithWhatItDid(t *testing.T) {
	p := plans(t)
	verbs := p[len(p)-1]
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	run := cacao.Run{Status: "completed", Outputs: map[string]any{"outcome": "contained"}, Record: activities.Record{
		Case: "verbs-1a2b.3c4d", Cluster: "lab", Outcome: "contained", Alerts: 2, Started: at, Ended: at.Add(time.Minute), PlanHash: "abc",
		Alert:   map[string]any{"rule": "Terminal shell in container"},
		Decided: []activities.Decided{{Step: "triage", Choice: "contain", By: "ann@example.com", Why: "I saw it", At: at}},
		Further: []activities.Further{{Rule: "Read sensitive file", Target: "shop/web-1", At: at.Add(time.Second)}},
		Guards:  []activities.GuardCheck{{Step: "both/cordon"}},
		Steps: []activities.StepRecord{
			{Path: "scope", Phase: "identify", Activity: "kube.identify_node", Status: activities.StepDone, Started: at, Ended: at.Add(time.Second),
				Output: map[string]any{"name": "n1", "pods": []any{1, 2, 3}, "node": map[string]any{"a": 1}, "text": strings.Repeat("x", 300)}},
			{Path: "both/each[1]/label", Status: activities.StepFailed, Error: "forbidden", Attempts: 5, Started: at},
			{Path: "look", Status: activities.StepSkipped, Started: at},
		},
	}}
	out := cacao.ExportRun(verbs, run, options())
	wellFormed(t, out)
	plain := cacao.Export(verbs, options())
	if len(out.DerivedFrom) != 1 || out.DerivedFrom[0] != plain.ID || out.ID == plain.ID {
		t.Errorf("%q is derived from %q", out.ID, out.DerivedFrom)
	}
	for id := range plain.Workflow {
		if _, same := out.Workflow[id]; !same {
			t.Errorf("step %s has another id", id)
		}
	}
	golden(t, "run.cacao.json", written(t, out))
	s := imported(t, written(t, out))
	for _, f := range s.Findings {
		if !strings.Contains(f.Path, "playbook_extensions") {
			t.Errorf("%+v", f)
		}
	}
	if len(s.Findings) == 0 {
		t.Error("the run is lost in silence")
	}
}
