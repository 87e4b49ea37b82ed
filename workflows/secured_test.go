package workflows_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/workflows"
)

// destroying is a plan that captures and then destroys what it captured.
func destroying(requires plan.Requires) []plan.Step {
	capture := func(s *plan.Step) { s.Uses.Effect, s.Path = activities.Capture, "live/"+s.ID }
	return []plan.Step{
		each("live", "['a', 'b']", plan.Foreach{Concurrency: 1, Do: []plan.Step{
			use("checkpoint", "t.refused", capture, onError(plan.Continue)),
			use("look", "t.capture", onError(plan.Continue), func(s *plan.Step) { s.Path = "live/look" }), // no evidence
			use("processes", "t.capture", capture),
		}}),
		use("never", "t.capture", func(s *plan.Step) { s.Uses.Effect, s.Path = activities.Capture, "never" }, iff("false")),
		use("kill", "t.destroy", func(s *plan.Step) { s.Uses.Effect, s.Requires = activities.Destroy, &requires }),
	}
}

func TestNothingIsDestroyedBeforeItsEvidence(t *testing.T) {
	unchanged := func(_ string, _ int32, in json.RawMessage) (any, error) {
		return map[string]any{"status": "done", "summary": string(in)}, nil
	}
	altered := func(string, int32, json.RawMessage) (any, error) { return forbidden("", 0, nil) }
	waive := []plan.Waiver{{Step: "live/checkpoint", Reason: "runtime without CRIU"}}
	tests := []struct {
		name     string
		requires plan.Requires
		check    func(string, int32, json.RawMessage) (any, error)
		asked    string
		held     string
	}{
		{"all of it is there", plan.Requires{Evidence: []string{"live/processes"}}, unchanged, `["live[0]/processes","live[1]/processes"]`, ""},
		{"a capture failed", plan.Requires{Evidence: []string{"live"}}, unchanged, "", `the evidence of step "live[0]/checkpoint" is missing`},
		{"a capture failed and is waived", plan.Requires{Evidence: []string{"live"}, Waive: waive}, unchanged, `["live[0]/processes","live[1]/processes"]`, ""},
		{"a capture was never taken", plan.Requires{Evidence: []string{"disks"}}, unchanged, "", `the evidence of step "disks" is missing: it was not taken`},
		{"a file was altered", plan.Requires{Evidence: []string{"live/processes"}}, altered, `["live[0]/processes","live[1]/processes"]`, "pods is forbidden"},
		{"what was never taken is waived", plan.Requires{Evidence: []string{"never"}, Waive: []plan.Waiver{{Step: "never", Reason: "r"}}}, unchanged, "", ""},
		{"all of it is waived", plan.Requires{Waive: waive}, unchanged, "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t)
			b.does("t.refused", forbidden)
			b.does("t.capture", ok("captured"))
			b.does("t.destroy", ok("gone"))
			b.does(workflows.CheckEvidence, test.check)
			u := b.decides(time.Minute, workflows.Decision{Path: "kill", Action: workflows.AbortCase, Reason: "r", By: "ann"})
			b.start(destroying(test.requires), nil)
			if destroyed := b.calls("t.destroy") == 1; destroyed != (test.held == "") {
				t.Fatalf("destroyed: %v", destroyed)
			}
			if asked := b.inputs["kill/evidence"]; test.asked != "" && !strings.Contains(asked, test.asked) || test.asked == "" && asked != "" {
				t.Fatalf("asked for %s", asked)
			}
			if test.held != "" && (u.refused != nil || !strings.Contains(b.step("kill").Error, test.held)) {
				t.Fatalf("%v %+v", u.refused, b.step("kill"))
			}
		})
	}
}

func TestAnItemNeedsItsOwnEvidenceAlone(t *testing.T) {
	b := newBench(t)
	b.does("t.capture", func(path string, _ int32, _ json.RawMessage) (any, error) {
		if path == "each[1]/take" {
			return forbidden("", 0, nil)
		}
		return map[string]any{"summary": "captured"}, nil
	})
	b.does("t.destroy", ok("gone"))
	b.does(workflows.CheckEvidence, ok("unchanged"))
	b.start([]plan.Step{each("each", "['a', 'b']", plan.Foreach{Concurrency: 2, OnError: plan.Continue, Do: []plan.Step{
		use("take", "t.capture", onError(plan.Fail), func(s *plan.Step) { s.Uses.Effect, s.Path = activities.Capture, "each/take" }),
		use("kill", "t.destroy", onError(plan.Fail), func(s *plan.Step) {
			s.Uses.Effect, s.Path, s.Requires = activities.Destroy, "each/kill", &plan.Requires{Evidence: []string{"each/take"}}
		}),
	}})}, nil)
	if b.calls("t.destroy") != 1 || b.inputs["each[0]/kill/evidence"] != `{"elsewhere":[],"steps":["each[0]/take"]}` {
		t.Fatalf("%q %s", b.ran(), b.inputs["each[0]/kill/evidence"])
	}
}

// TestSnapshotsAreAskedForByTheirIds: what is kept elsewhere may have been deleted since.
func TestSnapshotsAreAskedForByTheirIds(t *testing.T) {
	b := newBench(t)
	b.does("t.capture", func(string, int32, json.RawMessage) (any, error) {
		return map[string]any{"region": "eu", "snapshots": []any{map[string]any{"id": "snap-1"}, map[string]any{"id": "snap-2"}}}, nil
	})
	b.does("t.destroy", ok("gone"))
	b.does(workflows.CheckEvidence, ok("unchanged"))
	b.start([]plan.Step{
		use("disks", "t.capture", func(s *plan.Step) { s.Uses.Effect, s.Path = activities.Capture, "disks" }),
		use("kill", "t.destroy", func(s *plan.Step) {
			s.Uses.Effect, s.Path, s.Requires = activities.Destroy, "kill", &plan.Requires{Evidence: []string{"disks"}}
		}),
	}, nil)
	want := `{"elsewhere":[{"region":"eu","snapshots":["snap-1","snap-2"],"step":"disks","what":"snapshots snap-1, snap-2"}],"steps":["disks"]}`
	if got := b.inputs["kill/evidence"]; got != want {
		t.Fatalf("asked for %s", got)
	}
}

func TestAnIfThatDestroysNothingNeedsNoEvidence(t *testing.T) {
	for _, destroys := range []bool{true, false} {
		b := newBench(t)
		b.does("t.destroy", ok("gone"))
		u := b.decides(time.Minute, workflows.Decision{Path: "evict", Action: workflows.AbortCase, Reason: "r", By: "ann"})
		b.start([]plan.Step{block("evict", func(s *plan.Step) {
			s.Branch = &plan.Branch{Cond: source(map[bool]string{true: "true", false: "false"}[destroys]), Then: []plan.Step{use("kill", "t.destroy")}}
			s.Requires = &plan.Requires{Evidence: []string{"live"}}
		})}, nil)
		if b.calls("t.destroy") != 0 || u.refused != nil || (b.GetWorkflowError() != nil) != destroys {
			t.Fatalf("destroys %v: %q, %v", destroys, b.ran(), u.refused)
		}
	}
}

func TestADryRunNeedsNoEvidence(t *testing.T) {
	b := newBench(t)
	b.does("t.refused", forbidden)
	b.does("t.capture", ok("captured"))
	b.does("t.destroy", ok("would be gone"))
	in := planned(destroying(plan.Requires{Evidence: []string{"live"}}), nil)
	in.DryRun = true
	b.ExecuteWorkflow(workflows.CaseWorkflow, in)
	if !slices.Contains(b.ran(), "t.destroy kill") || b.calls(workflows.CheckEvidence) != 0 {
		t.Fatalf("%q", b.ran())
	}
}
