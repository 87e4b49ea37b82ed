package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	activitypb "go.temporal.io/api/activity/v1"
	enumspb "go.temporal.io/api/enums/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	workflowpb "go.temporal.io/api/workflow/v1"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
	"github.com/firebreak-ir/firebreak/workflows"
	"github.com/firebreak-ir/firebreak/workflows/cases/casetest"
)

// terminal runs one command line against a Temporal that answers as the test says.
func terminal(t *testing.T, s *casetest.Server, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	s.Workflow = "test-1"
	t.Chdir(t.TempDir())
	t.Setenv("TEMPORAL_ADDRESS", s.Start(t))
	t.Setenv("TEMPORAL_NAMESPACE", "default")
	var out, bad bytes.Buffer
	sys := system{stdout: &out, stderr: &bad, now: time.Now, env: os.LookupEnv, person: "ann@desk", width: 100}
	code = run(t.Context(), sys, args)
	return code, out.String(), bad.String()
}

func TestAbortTellsPersonAndReason(t *testing.T) {
	var server casetest.Server
	code, out, bad := terminal(t, &server, "abort", "test-1", "--reason", "a drill")
	want := []workflows.Decision{{Action: workflows.AbortCase, Reason: "a drill", By: "ann@desk"}}
	if diff := cmp.Diff(want, server.Decisions()); diff != "" || code != exitOK || server.Canceled() != 0 {
		t.Fatalf("%d, %d canceled\n%s%s\n%s", code, server.Canceled(), out, bad, diff)
	}
	if !strings.Contains(out, "asked to end") || bad != "" {
		t.Fatalf("%s%s", out, bad)
	}
}

func TestAbortFallsBackWhereNoWorkerAnswers(t *testing.T) {
	server := casetest.Server{NoWorker: true}
	code, out, bad := terminal(t, &server, "abort", "test-1", "--reason", "a drill")
	if code != exitOK || server.Canceled() != 1 || !strings.Contains(out, "asked to end") {
		t.Fatalf("%d, %d canceled\n%s%s", code, server.Canceled(), out, bad)
	}
	if !strings.Contains(bad, "no worker answers") || !strings.Contains(bad, "your name and the reason may be missing") {
		t.Fatalf("the loss is not told: %s", bad)
	}
}

func TestAnAmbiguousCaseIsTheUsersMistake(t *testing.T) {
	code, _, bad := terminal(t, &casetest.Server{Others: []string{"test-2"}}, "show", "test-")
	if code != exitWrong || !strings.Contains(bad, "several: test-1.4e5f6a7b, test-2.4e5f6a7b") {
		t.Fatalf("%d: %s", code, bad)
	}
}

func TestAClusterThatIsNoNameIsAMistakeOfTheCommandLine(t *testing.T) {
	code, _, bad := terminal(t, &casetest.Server{}, "cases", "--cluster", "no name")
	if code != exitUsage || !strings.Contains(bad, `"no name"`) {
		t.Fatalf("%d: %s", code, bad)
	}
}

func TestShowSaysThatNobodyPolls(t *testing.T) {
	server := casetest.Server{Pending: []*workflowpb.PendingActivityInfo{{
		ActivityId: "isolate", State: enumspb.PENDING_ACTIVITY_STATE_SCHEDULED,
		ActivityOptions: &activitypb.ActivityOptions{TaskQueue: &taskqueuepb.TaskQueue{Name: "firebreak-lab"}},
	}}}
	code, out, bad := terminal(t, &server, "show", "test-1")
	if code != exitOK || !strings.Contains(out, "\nno worker polls firebreak-lab; ") {
		t.Fatalf("%d: %s%s", code, out, bad)
	}
}

func TestShowSaysWhoAborted(t *testing.T) {
	var out bytes.Buffer
	s := exampleState()
	s.Status, s.Outcome, s.Holds = workflows.Failed, workflows.OutcomeAborted, nil
	s.Aborted = &workflows.Decision{Path: "disks", Action: workflows.AbortCase, Reason: "a drill\x1b[2J", By: "ann@desk"}
	if err := (summary{width: 100, now: at(12), state: s}).writeTo(&out); err != nil {
		t.Fatal(err)
	}
	if want := "\n  aborted   by ann@desk at step disks: a drill\\x1b[2J\n"; !strings.Contains(out.String(), want) {
		t.Fatalf("want %q in\n%s", want, &out)
	}
}

func TestTheSummaryNamesWhatFellShort(t *testing.T) {
	var out strings.Builder
	s := exampleState()
	s.Status, s.Outcome, s.Holds = workflows.Failed, workflows.OutcomePartlyRolledBack, nil
	s.Standing = []activities.Standing{{Step: "cordon", Activity: "kube.cordon_node", Summary: "cordoned node-1\x1b[2J", Why: "nodes is forbidden"}}
	s.Missing = []workflows.MissingOutput{{Name: "manifest", Why: "step \"seal\" has no output"}}
	if err := (summary{width: 100, now: at(12), state: s}).writeTo(&out); err != nil {
		t.Fatal(err)
	}
	if want := "\n  stands    cordon: cordoned node-1\\x1b[2J (not taken back: nodes is forbidden)\n" +
		"  missing   output manifest: step \"seal\" has no output\n"; !strings.Contains(out.String(), want) {
		t.Fatalf("want %q in\n%s", want, &out)
	}
}

func TestAPartlyContainedCaseIsNotGreen(t *testing.T) {
	s := workflows.State{Status: workflows.Completed}
	s.Outcome = workflows.OutcomePartly
	if got, want := outcomeWord(palette{true}, s), (palette{true}).yellow("partly contained"); got != want {
		t.Fatalf("got %q, want %q", got, want)
	}
}

func TestAFileIsReadNoFurtherThanItMayBeLong(t *testing.T) {
	name := filepath.Join(t.TempDir(), "large.yaml")
	if err := os.WriteFile(name, bytes.Repeat([]byte("# much\n"), 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	read, err := files(name)
	if err != nil || len(read) != 1 || len(read[0].raw) != syntax.MaxBytes+1 {
		t.Fatalf("%v, %d bytes", err, len(read[0].raw))
	}
}
