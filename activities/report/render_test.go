package report_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/activities/report"
	"github.com/firebreak-ir/firebreak/custody"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func start() time.Time { return time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC) }

func step(path, phase, activity string, from, to time.Duration, summary string, output any) activities.StepRecord {
	return activities.StepRecord{
		Path: path, Phase: phase, Activity: activity, Status: activities.StepDone, Summary: summary, Attempts: 1,
		Started: start().Add(from), Ended: start().Add(to), Output: output,
	}
}

func record() activities.Record {
	isolated := step("isolate", "contain", "kube.isolate_pod", 900*time.Millisecond, 1100*time.Millisecond, "isolated pod shop/web-1", map[string]any{
		"warnings": []any{"policy <allow-all> of somebody else still allows egress"},
	})
	read := step("read[0]/last", "analyze", "forensics.last_writes", 8*time.Second, 9*time.Second, "12 files were written last", map[string]any{
		"findings": []any{map[string]any{"severity": "high", "title": "ELF in a container's upper layer", "path": "/tmp/.x/<b>miner</b>", "sha256": "aa11"}},
		"containers": []any{
			map[string]any{"id": "45dd76eff80f00112233", "name": "web", "image": "shop/web:1", "pod": "web-1", "podNamespace": "shop", "state": "running"},
			map[string]any{"id": "77aa76eff80f00112233", "sandbox": true, "image": "pause:1"},
		},
	})
	explored := step("read[0]/explore", "analyze", "forensics.docker_explorer", 9*time.Second, 9100*time.Millisecond, "docker-explorer lists 2 containers", map[string]any{
		"containers": []any{
			map[string]any{"id": "45dd76eff80f00112233", "image": "shop/web:1", "created": "2026-11-20T07:00:00.123456789Z"},
			map[string]any{"id": "99dd76eff80f00112233", "image": "shop/cache:2", "state": "exited"},
		},
	})
	failed := step("ticket", "improve", "ticket.open", 9*time.Second, 10*time.Second, "", nil)
	failed.Status, failed.Error, failed.Attempts = activities.StepFailed, "tracker folder: permission denied", 5
	return activities.Record{
		Case: "pod-compromise-0a1b2c3d.4e5f6a7b", Playbook: "pod-compromise", Version: "1.0.0", Title: "Contain, preserve and analyze a compromised pod",
		PlanHash: "ffee", Cluster: "lab", Workflow: "pod-compromise-0a1b2c3d", Run: "4e5f6a7b-0000", Outcome: "failed", Alerts: 200, Started: start(),
		Alert: map[string]any{
			"rule": "Terminal shell in container", "target": map[string]any{"namespace": "shop", "pod": "web-1", "node": "node-1"},
			"summary": `<script>alert("x")</script>`, "tags": []any{"T1059", "shell"},
		},
		Further: []activities.Further{{
			Rule: "Read sensitive file", Priority: "Warning", Target: "shop/web-1", Summary: "<b>cat</b> /etc/shadow", At: start().Add(2 * time.Second),
		}},
		Steps: []activities.StepRecord{
			step("scope", "identify", "kube.identify_pod", 0, 300*time.Millisecond, "found pod shop/web-1 on node-1", map[string]any{"status": "done"}),
			step("cordon", "contain", "kube.cordon_node", 300*time.Millisecond, 900*time.Millisecond, "cordoned node-1", map[string]any{"status": "done"}),
			isolated, step("disks", "preserve", "aws.snapshot_volumes", 1100*time.Millisecond, 8*time.Second, "1 snapshot of 1 volume", map[string]any{"status": "done"}),
			read, explored, failed,
		},
		Decided: []activities.Decided{{
			Step: "triage", Choice: "contain", By: "ada", Why: "[click](https://evil.example) `now` <img src=x>\n# urgent", At: start().Add(500 * time.Millisecond),
			About: "Contain <b>web-1</b>?",
		}, {
			Step: "evict", About: "Evict it?", Choice: "keep", Why: "auto-approved because alert.priority == 'Alert'", Automatic: true, At: start().Add(time.Second),
		}},
	}
}

func render(t *testing.T, in report.RenderInput) (string, *custody.Case) {
	t.Helper()
	return renderAs(t, in, report.Name)
}

func renderAs(t *testing.T, in report.RenderInput, name string) (string, *custody.Case) {
	t.Helper()
	store, err := custody.Open(t.TempDir(), start)
	if err != nil {
		t.Fatal(err)
	}
	c, err := store.Case(in.Record.Case)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Put(context.Background(), custody.By{Step: "logs", Key: "logs"}, "data/web.log", "log", func(w io.Writer) error {
		_, err := io.WriteString(w, "GET /")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	call := activities.Call{Case: in.Record.Case, Step: "report", Key: in.Record.Case + "/report"}
	if _, err := report.Render(store).Run(context.Background(), call, raw); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(c.Dir(), name))
	if err != nil {
		t.Fatal(err)
	}
	return string(page), c
}

func TestReportIsGolden(t *testing.T) {
	got, _ := render(t, report.RenderInput{Record: record(), WebUI: "http://127.0.0.1:8233/namespaces/default/workflows/x"})
	golden := filepath.Join("testdata", "report.html")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Fatalf("report differs from %s (rewrite with -update):\n%s", golden, diff)
	}
}

func TestMarkdownIsGolden(t *testing.T) {
	got, _ := renderAs(t, report.RenderInput{Record: record(), Formats: []string{"markdown", "html", "markdown"}}, report.MarkdownName)
	golden := filepath.Join("testdata", "report.md")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Fatalf("report differs from %s (rewrite with -update):\n%s", golden, diff)
	}
}

func TestInputsThatCannotBe(t *testing.T) {
	store, err := custody.Open(t.TempDir(), start)
	if err != nil {
		t.Fatal(err)
	}
	for what, in := range map[string]report.RenderInput{
		"no record":      {},
		"another format": {Record: record(), Formats: []string{"pdf"}},
		"another store":  {Record: record(), To: "s3://bucket"},
	} {
		raw, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		_, err = report.Render(store).Run(t.Context(), activities.Call{Case: "c", DryRun: true}, raw)
		if kind, _ := activities.KindOf(err); kind != activities.InvalidInput {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestAttackersWordsAreNotMarkup(t *testing.T) {
	page, _ := render(t, report.RenderInput{Record: record(), WebUI: "javascript:alert(1)"})
	for _, bad := range []string{"<script>alert", "<b>miner", `href="javascript:`} {
		if strings.Contains(page, bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
}

func TestContainmentIsClaimedOnlyWhenEveryStepOfItSucceeded(t *testing.T) {
	r := record()
	if page, _ := render(t, report.RenderInput{Record: r}); !strings.Contains(page, "to containment") {
		t.Fatal("containment that was reached is not shown")
	}
	r.Steps[2].Status = activities.StepFailed
	if page, _ := render(t, report.RenderInput{Record: r}); strings.Contains(page, "to containment") {
		t.Fatal("containment is claimed though isolation failed")
	}
}

func TestManyStepsAndAnEmptyRun(t *testing.T) {
	r := record()
	for range 400 {
		r.Steps = append(r.Steps, r.Steps[0])
	}
	if page, _ := render(t, report.RenderInput{Record: r}); !strings.Contains(page, "287 more steps stand in the table below") {
		t.Error("steps beyond the chart are not counted")
	}
	r.Steps, r.Alert = nil, nil
	render(t, report.RenderInput{Record: r})
}

// The largest record that travels, with outputs that did not fit it: the page stays readable and says what is missing.
func TestALargeCaseGetsAReport(t *testing.T) {
	r := record()
	var findings []any
	for i := range 3000 {
		findings = append(findings, map[string]any{"severity": "high", "title": fmt.Sprint("file ", i)})
	}
	r.Steps[5].Output = map[string]any{"findings": findings}
	for i := range 1500 {
		s := step(fmt.Sprintf("read[%d]/last", i), "analyze", "forensics.last_writes", time.Second, 2*time.Second, strings.Repeat("x", 200), nil)
		r.Steps = append(r.Steps, s)
	}
	r.Steps[0].Error = strings.Repeat("\u00e9", 1<<20)
	page, _ := render(t, report.RenderInput{Record: r})
	for _, want := range []string{"the outputs of 1500 steps are missing", "2501 more findings, none worse than these", "file 498"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if len(page) > 2<<20 {
		t.Errorf("the page has %d bytes", len(page))
	}
}
