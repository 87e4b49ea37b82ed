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
	"github.com/firebreak-ir/firebreak/workflows/cases"
)

var began = time.Date(2026, 11, 22, 9, 14, 2, 0, time.UTC)

func at(seconds float64) time.Time { return began.Add(time.Duration(seconds * float64(time.Second))) }

func exampleState() workflows.State {
	return workflows.State{
		Status: workflows.Held, Phase: "preserve",
		Holds: []workflows.HeldStep{{Path: "disks", Error: "create snapshots: UnauthorizedOperation", Kind: "Forbidden",
			Advice: "allow ec2:CreateSnapshots to the worker's role."}},
		Record: activities.Record{
			Case: "pod-compromise-0a1b2c3d4e5f6a7b.4e5f6a7b", Playbook: "pod-compromise", Version: "1.0.0", Title: "Contain a pod",
			Cluster: "lab", Workflow: "pod-compromise-0a1b2c3d4e5f6a7b", Run: "4e5f6a7b-0000", Alerts: 200, Started: began,
			Alert: plan.Alert{Rule: "Terminal shell\x1b[2J in container", Priority: "Notice",
				Target: plan.Target{Namespace: "store", Pod: "cart-1", Node: "node-1"}},
			Steps: []activities.StepRecord{
				{Path: "scope", Phase: "identify", Activity: "kube.identify_pod", Status: activities.StepDone, Summary: "pod store/cart-1 on node-1", Started: at(0), Ended: at(1.5)},
				{Path: "facts", Phase: "identify", Status: activities.StepDone, Started: at(1.5), Ended: at(3)},
				{Path: "isolate[0]/deny", Phase: "contain", Activity: "kube.isolate_pod", Status: activities.StepDone, Summary: "isolated; evil\u202etxt", Started: at(3), Ended: at(6)},
				{Path: "metrics", Phase: "contain", Activity: "telemetry.query", Status: activities.StepSkipped, Summary: "its condition is false", Started: at(6), Ended: at(6)},
				{Path: "read", Phase: "analyze", Activity: "forensics.analyze", Status: activities.StepDone, Summary: "read", Started: at(6), Ended: at(9),
					Output: map[string]any{
						"findings": []any{
							map[string]any{"severity": "medium", "title": "A log was deleted", "path": "/var/log/x"},
							map[string]any{"severity": "high", "sentence": "/tmp/.x was\ndropped", "path": "/tmp/.x"},
							map[string]any{"severity": "odd", "title": "Something"},
						},
						"containers": []any{
							map[string]any{"id": "0123456789abcdef", "name": "cart", "image": "store/cart:2", "state": "running", "pod": "cart-1", "podNamespace": "store"},
							map[string]any{"id": "pause", "sandbox": true},
						},
						"warnings": []any{"one block was never read"},
					}},
				{Path: "ticket", Phase: "improve", Activity: "ticket.open", Status: activities.StepDone, Summary: "opened", Started: at(9), Ended: at(9.2),
					Output: map[string]any{"url": "file:///tickets/1.md"}},
				{Path: "disks", Phase: "preserve", Activity: "aws.snapshot_volumes", Status: activities.StepHeld, Error: "create snapshots: UnauthorizedOperation", Started: at(9.2)},
			},
		},
	}
}

func testSystem(out *bytes.Buffer, terminal bool) system {
	return system{stdout: out, terminal: terminal, width: 100, now: func() time.Time { return at(12) },
		env: func(string) (string, bool) { return "", false }}
}

func TestViewPrintsEachThingOnce(t *testing.T) {
	var out bytes.Buffer
	v := newView(testSystem(&out, false))
	m := cases.View{State: exampleState()}
	v.show(m)
	want := strings.Join([]string{
		`09:14:03  identify    done     scope  pod store/cart-1 on node-1 (1.5 s)`,
		`09:14:08  contain     done     isolate[0]/deny  isolated; evil\u202etxt (3.0 s)`,
		`09:14:08  contain     skipped  metrics  its condition is false`,
		`09:14:11  analyze     done     read  read (3.0 s)`,
		`09:14:11  improve     done     ticket  opened (0.2 s)`,
		`HELD  disks: create snapshots: UnauthorizedOperation`,
		`      what to do: allow ec2:CreateSnapshots to the worker's role`,
		`      then: firebreak retry pod-compromise-0a1b2c3d4e5f6a7b.4e5f6a7b disks`,
		`      or:   firebreak skip pod-compromise-0a1b2c3d4e5f6a7b.4e5f6a7b disks --reason …   or: firebreak abort pod-compromise-0a1b2c3d4e5f6a7b.4e5f6a7b --reason …`,
		``,
	}, "\n")
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("first (-want +got):\n%s", diff)
	}
	out.Reset()
	v.show(m)
	if out.Len() > 0 {
		t.Errorf("printed again:\n%s", &out)
	}
}

func TestPlainProgressIsALineForEachTenth(t *testing.T) {
	var out bytes.Buffer
	v := newView(testSystem(&out, false))
	for done := int64(0); done <= 100; done++ {
		v.show(cases.View{Pending: []cases.Pending{{Path: "disks", Attempt: 1, Started: true, Progress: activities.Progress{Done: done, Total: 100, Unit: "%", Message: "snapshots"}}}})
	}
	if lines := strings.Count(out.String(), "\n"); lines != 11 {
		t.Errorf("%d lines:\n%s", lines, &out)
	}
	out.Reset()
	lost := cases.View{Problem: cases.ErrNoWorker.Error()}
	v.show(lost)
	v.show(lost)
	if got := out.String(); strings.Count(got, "no worker answers") != 1 {
		t.Errorf("got %q", got)
	}
}

func TestAQueueWithoutAWorkerIsToldOnce(t *testing.T) {
	var out bytes.Buffer
	v, m := newView(testSystem(&out, false)), cases.View{Unattended: []string{"firebreak-lab"}}
	v.show(m)
	v.show(m)
	if got := out.String(); strings.Count(got, "no worker polls firebreak-lab") != 1 {
		t.Errorf("got %q", got)
	}
}

func TestTerminalRedrawsTheLivePart(t *testing.T) {
	var out bytes.Buffer
	v := newView(testSystem(&out, true))
	m := cases.View{State: exampleState(), Pending: []cases.Pending{{Started: true, Path: "disks", Attempt: 3, Failure: strings.Repeat("throttled ", 30),
		Progress: activities.Progress{Done: 512 << 20, Total: 1 << 30, Unit: "bytes"}}}}
	v.show(m)
	if !strings.Contains(out.String(), "███") || !strings.Contains(out.String(), "50 %, 512.0 MiB of 1.0 GiB") {
		t.Errorf("no bar:\n%s", &out)
	}
	drawn := v.drawn
	out.Reset()
	v.show(m)
	if want := "\x1b[" + string(rune('0'+drawn)) + "F\x1b[J"; !strings.HasPrefix(out.String(), want) {
		t.Errorf("the second picture starts with %q, want %q", out.String()[:8], want)
	}
	for line := range strings.Lines(strings.TrimPrefix(out.String(), "\x1b[3F\x1b[J")) {
		if n := len([]rune(colourless(line))); n > 100 {
			t.Errorf("a line of %d characters wraps: %q", n, line)
		}
	}
	v.close()
	if v.drawn != 0 {
		t.Error("the live part stays")
	}
}

// colourless takes colour codes out.
func colourless(text string) string {
	var out strings.Builder
	code := false
	for _, r := range text {
		switch {
		case r == '\x1b':
			code = true
		case code:
			code = r != 'm'
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}

func TestSummary(t *testing.T) {
	var out bytes.Buffer
	s := summary{width: 100, now: at(12), state: exampleState(), evidence: "/evidence/pod", webUI: "http://127.0.0.1:8233/x"}
	if err := s.writeTo(&out); err != nil {
		t.Fatal(err)
	}
	want := strings.Join([]string{
		`pod-compromise-0a1b2c3d4e5f6a7b.4e5f6a7b  held`,
		`  playbook  pod-compromise 1.0.0: Contain a pod`,
		`  alert     Notice: Terminal shell\x1b[2J in container, store/cart-1 on node-1`,
		`  alerts    200 counted, cluster lab`,
		`  started   2026-11-22 09:14:02 UTC, running for 12.0 s`,
		``,
		`Timeline`,
		`  identify    done     ███·····················  scope  pod store/cart-1 on node-1`,
		`  contain     done     ······██████············  isolate[0]/deny  isolated; evil\u202etxt`,
		`              skipped  ············█···········  metrics  its condition is false`,
		`  analyze     done     ············██████······  read  read`,
		`  improve     done     ··················█·····  ticket  opened`,
		`  preserve    held     ··················██████  disks  create snapshots: UnauthorizedOperation`,
		``,
		`Found`,
		`  high       /tmp/.x was\ndropped`,
		`  medium     A log was deleted  /var/log/x`,
		`  odd        Something`,
		`  container  0123456789ab…  cart  store/cart:2  running  store/cart-1`,
		`  warning    read: one block was never read`,
		``,
		`HELD  disks: create snapshots: UnauthorizedOperation`,
		`      what to do: allow ec2:CreateSnapshots to the worker's role`,
		`      then: firebreak retry pod-compromise-0a1b2c3d4e5f6a7b.4e5f6a7b disks`,
		`      or:   firebreak skip pod-compromise-0a1b2c3d4e5f6a7b.4e5f6a7b disks --reason …   or: firebreak abort pod-compromise-0a1b2c3d4e5f6a7b.4e5f6a7b --reason …`,
		``,
		`Where`,
		`  ticket    file:///tickets/1.md`,
		`  evidence  /evidence/pod`,
		`  web UI    http://127.0.0.1:8233/x`,
		`  Temporal  workflow pod-compromise-0a1b2c3d4e5f6a7b, run 4e5f6a7b-0000`,
		``,
	}, "\n")
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
}

func TestSafe(t *testing.T) {
	for given, want := range map[string]string{
		"plain Wörter 日本":       "plain Wörter 日本",
		"\x1b]0;title\x07":      `\x1b]0;title\a`,
		"a\nb\tc":               `a\nb\tc`,
		"\u202eevil":            `\u202eevil`,
		"\u0085\u200b":          `\u0085\u200b`,
		"\xff\xfe":              `\xff\xfe`,
		"a replacement: \uFFFD": "a replacement: \uFFFD",
	} {
		if got := safe(given); got != want {
			t.Errorf("safe(%q) = %q, want %q", given, got, want)
		}
	}
}

func FuzzSafe(f *testing.F) {
	f.Add("\x1b[2J")
	f.Fuzz(func(t *testing.T, text string) {
		got := safe(text)
		if strings.ContainsFunc(got, harmful) {
			t.Errorf("harmful: %q", got)
		}
		if safe(got) != got {
			t.Errorf("not stable: %q", got)
		}
	})
}

func TestBar(t *testing.T) {
	for _, c := range []struct {
		done, total int64
		want        string
	}{{0, 10, "░░░░"}, {5, 10, "██░░"}, {6, 10, "██▍░"}, {10, 10, "████"}, {99, 10, "████"}, {-1, 10, "░░░░"}, {1, 0, ""}} {
		if got := bar(c.done, c.total, 4); got != c.want {
			t.Errorf("bar(%d, %d) = %q, want %q", c.done, c.total, got, c.want)
		}
	}
}
