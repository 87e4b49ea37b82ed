package workflows_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/workflows"
)

func TestAnInputTravelsWithItsPlanCompressed(t *testing.T) {
	small := planned([]plan.Step{use("a", "t.act")}, nil)
	large := planned(nil, nil)
	for i := range 100 {
		large.Plan.Steps = append(large.Plan.Steps, use(fmt.Sprint("s", i), "t.act", with(expr("x", "alert.rule"))))
	}
	large.Inputs, large.By = map[string]any{"a": "b"}, "ann"
	for _, in := range []workflows.Input{small, large} {
		raw, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		var back workflows.Input
		if err := json.Unmarshal(raw, &back); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(in, back); d != "" {
			t.Fatal(d)
		}
		if whole, _ := json.Marshal(in.Plan); len(whole) > 10_000 && len(raw) > len(whole)/4 {
			t.Errorf("%d bytes of plan travel as %d", len(whole), len(raw))
		}
	}
	var old workflows.Input
	if err := json.Unmarshal([]byte(`{"plan":{"name":"x","version":"1.0.0","steps":[]},"cluster":"c"}`), &old); err != nil || old.Plan.Name != "x" || old.Cluster != "c" {
		t.Fatalf("an input of before: %+v, %v", old, err)
	}
	for _, bad := range []string{`{"plan":"AAAA"}`, `{"plan":"!"}`, `{"plan":3}`} {
		if err := json.Unmarshal([]byte(bad), &workflows.Input{}); err == nil {
			t.Errorf("%s is read", bad)
		}
	}
}
