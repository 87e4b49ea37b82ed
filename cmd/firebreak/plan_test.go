package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/workflows"
)

func TestAPlanIsReadAsAPatch(t *testing.T) {
	p := plan.Plan{Steps: []plan.Step{
		{Path: "triage", Approve: &plan.Approve{From: "ir-lead", Choices: []string{"contain", "no"}}},
		{Path: "pause", Wait: &plan.Wait{For: 10 * time.Minute}},
		{Path: "each", Foreach: &plan.Foreach{Do: []plan.Step{{Path: "each/hear", Wait: &plan.Wait{For: time.Hour, Until: &plan.Expr{Source: "run.alerts > 3"}}}}}},
	}}
	state := workflows.State{Record: activities.Record{
		Playbook: "pod", Version: "1.0.0",
		Guards: []activities.GuardCheck{{Step: "mark", Tripped: []string{"nodes"}, Why: "2 of 1"}, {Step: "scope"}},
		Steps: []activities.StepRecord{
			{Path: "scope", Phase: "identify", Status: activities.StepDone, Summary: "found\x1b[31m it"},
			{Path: "mark", Phase: "coordinate", Status: activities.StepDone, Summary: "would label", Output: map[string]any{"would": []any{
				map[string]any{"object": "node n1", "field": "labels.a", "from": "x", "to": "y"}, map[string]any{"object": "node n1", "field": "taint", "to": "t"},
			}}},
			{Path: "triage", Phase: "coordinate", Status: activities.StepDone, Summary: "contain, assumed", Output: map[string]any{"choice": "contain"}},
			{Path: "pause", Phase: "coordinate", Status: activities.StepDone},
			{Path: "each[1]/hear", Phase: "coordinate", Status: activities.StepDone},
			{Path: "other", Phase: "contain", Status: activities.StepSkipped, Summary: "its condition is false"},
			{Path: "bad", Phase: "contain", Status: activities.StepSkipped, Error: "forbidden"},
		},
	}}
	var out bytes.Buffer
	seen := foresee(p, state)
	if err := seen.writeTo(&out, palette{false}); err != nil {
		t.Fatal(err)
	}
	want := `identify
    scope found\x1b[31m it
coordinate
  ~ mark would label
      node n1 labels.a
        - x
        + y
      node n1 taint
        + t
  ? triage would ask ir-lead to choose contain, no; here it goes on as with contain
  … pause would wait 10m
  … each[1]/hear would wait until run.alerts > 3, at most 1h
contain
  - other its condition is false
  ! bad forbidden
! guard nodes would trip at mark: 2 of 1

pod 1.0.0: 2 changes, nothing was changed; 2 steps failed or guards would trip
`
	if d := cmp.Diff(want, out.String()); d != "" {
		t.Fatal(d)
	}
	var coloured bytes.Buffer
	if err := seen.writeTo(&coloured, palette{true}); err != nil || !strings.Contains(coloured.String(), "\x1b[32m+ y") {
		t.Fatalf("%v %q", err, coloured.String())
	}
}
