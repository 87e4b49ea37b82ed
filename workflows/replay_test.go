package workflows_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	commonpb "go.temporal.io/api/common/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/proxy"
	"go.temporal.io/sdk/converter"

	"github.com/firebreak-ir/firebreak/workflows"
	"github.com/firebreak-ir/firebreak/workflows/cases/casetest"
)

// histories are the files of testdata/history: one folder for each playbook.
func histories(t *testing.T, playbook string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "history", playbook, "*.json.gz"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no recorded histories of playbook %s (%v): `make histories` records them", playbook, err)
	}
	return files
}

// TestRecordedHistoriesReplay runs the histories of real runs through today's interpreter. It fails where a change of
// the interpreter would leave a run that is open now without a way on. `make histories` records them anew from a real
// Temporal; do so only when no run of the old interpreter can be open any more.
func TestRecordedHistoriesReplay(t *testing.T) {
	for _, file := range histories(t, "*") {
		t.Run(filepath.Base(filepath.Dir(file))+"/"+filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			if err := casetest.Replay(file); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestEveryShippedPlaybookHasHistories of one run that went through, and of one that was held and went on.
func TestEveryShippedPlaybookHasHistories(t *testing.T) {
	shipped, err := casetest.Shipped("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, playbook := range shipped {
		for _, want := range []string{"plain", "held"} {
			file := filepath.Join("testdata", "history", playbook.Folder, want+".json.gz")
			history, err := casetest.History(file)
			if err != nil {
				t.Errorf("%v: `make histories` records it", err)
				continue
			}
			got := inputOf(t, history).Plan
			if name, version := named(t, playbook.Text, "name"), named(t, playbook.Text, "version"); got.Name != name || got.Version != version {
				t.Errorf("%s is of %s %s, and what is shipped is %s %s: `make histories` records it anew", file, got.Name, got.Version, name, version)
			}
		}
	}
}

// TestEveryWorkflowHasAHistory, and so has each way in which a case leaves marks in one.
func TestEveryWorkflowHasAHistory(t *testing.T) {
	wanted := map[string]bool{
		workflows.CaseWorkflow: false, workflows.UndoWorkflow: false, workflows.LockWorkflow: false, workflows.SweepWorkflow: false, workflows.RateWorkflow: false,
		"a marker": false, "a timer": false, "an update": false, "resumed": false, "left for the next run": false, "canceled": false,
	}
	for _, file := range histories(t, "*") {
		history := read(t, file)
		wanted[history.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes().GetWorkflowType().GetName()] = true
		for _, e := range history.GetEvents() {
			seen := map[string]bool{
				"a marker": e.GetMarkerRecordedEventAttributes() != nil, "a timer": e.GetTimerFiredEventAttributes() != nil,
				"an update":             e.GetWorkflowExecutionUpdateAcceptedEventAttributes() != nil,
				"resumed":               e.GetWorkflowExecutionStartedEventAttributes().GetContinuedExecutionRunId() != "",
				"left for the next run": e.GetWorkflowExecutionContinuedAsNewEventAttributes() != nil,
				"canceled":              e.GetWorkflowExecutionCanceledEventAttributes() != nil,
			}
			for what, is := range seen {
				wanted[what] = wanted[what] || is
			}
		}
	}
	for what, there := range wanted {
		if !there {
			t.Errorf("no recorded history is or has: %s", what)
		}
	}
}

// TestRecordedHistoriesTellNothingOfAMachine looks for paths and names of whoever recorded them, also inside of payloads.
func TestRecordedHistoriesTellNothingOfAMachine(t *testing.T) {
	home, own := os.Getenv("HOME"), regexp.MustCompile(`^\b$`) // nothing, where the machine has no name that tells it
	if name, err := os.Hostname(); err == nil && len(name) > 3 {
		own = regexp.MustCompile(`@` + regexp.QuoteMeta(name) + `\b|\b` + regexp.QuoteMeta(name) + `:[0-9a-f]{8}-`) // identities, queues of one worker
	}
	machine := regexp.MustCompile(`/root/|/home/|/tmp/|/Users/|127\.0\.0\.1|localhost|PRIVATE KEY`)
	for _, file := range histories(t, "*") {
		text := wholeText(t, read(t, file))
		if found := machine.FindString(text); found != "" {
			t.Errorf("%s holds %q", file, found)
		}
		if own.MatchString(text) || len(home) > 3 && strings.Contains(text, home+"/") {
			t.Errorf("%s tells of this machine", file)
		}
	}
}

// wholeText is the text of a history, with its payloads as they are.
func wholeText(t *testing.T, history *historypb.History) string {
	t.Helper()
	text := bytes.NewBufferString(history.String())
	err := proxy.VisitPayloads(t.Context(), history, proxy.VisitPayloadsOptions{
		Visitor: func(_ *proxy.VisitPayloadsContext, list []*commonpb.Payload) ([]*commonpb.Payload, error) {
			for _, p := range list {
				text.Write(p.GetData())
			}
			return list, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if in := inputOf(t, history); in.Plan.Name != "" { // it travels compressed
		text.WriteString(in.Plan.Source)
	}
	return text.String()
}

func read(t *testing.T, file string) *historypb.History {
	t.Helper()
	history, err := casetest.History(file)
	if err != nil {
		t.Fatal(err)
	}
	return history
}

// inputOf is what started a case; nothing for another workflow.
func inputOf(t *testing.T, history *historypb.History) workflows.Input {
	t.Helper()
	start := history.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes()
	var in workflows.Input
	if start.GetWorkflowType().GetName() != workflows.CaseWorkflow {
		return in
	}
	if err := converter.GetDefaultDataConverter().FromPayloads(start.GetInput(), &in); err != nil {
		t.Fatal(err)
	}
	return in
}

// named gives what a playbook's metadata says.
func named(t *testing.T, playbook []byte, key string) string {
	t.Helper()
	found := regexp.MustCompile(`(?m)^  ` + key + `: *(\S+)$`).FindSubmatch(playbook)
	if found == nil {
		t.Fatalf("a playbook without a %s:\n%s", key, playbook)
	}
	return string(found[1])
}
