package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/firebreak-ir/firebreak/internal/labenv"
)

const clockPlaybook = `
apiVersion: firebreak/v1
kind: Playbook
metadata: {name: clock, version: 1.0.0, title: planted-title}
triggers:
  - id: weekly
    schedule: {cron: "0 10 * * TUE", timezone: Europe/Berlin}
    mode: drill
    alert: shell.json
dedup: {key: alert.rule}
slo: {contain: 1m}
steps:
  - {id: pause, phase: contain, wait: 1s}
`

// TestSchedulesWithKeys: a schedule's memo and the input of its runs are encrypted too, and read back: an unchanged playbook leaves
// the schedule alone, and its run is scored.
func TestSchedulesWithKeys(t *testing.T) {
	lab := labenv.Load(t)
	t.Chdir(t.TempDir())
	t.Setenv("TEMPORAL_ADDRESS", lab.Temporal.Address)
	t.Setenv("TEMPORAL_NAMESPACE", newNamespace(t, lab.Temporal.Address))
	t.Setenv("CLOCK_KEY", strings.Repeat("1f", 32))
	for name, text := range map[string]string{
		"firebreak.yaml": "encryption: {current: k1, keys: [{id: k1, env: CLOCK_KEY}]}\n",
		"clock.yaml":     clockPlaybook,
		"shell.json":     `{"rule":"Terminal shell","priority":"Notice","time":"2026-11-22T09:14:02Z","output_fields":{"k8s.pod.name":"cart-1"}}`,
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	startWorker(t)
	eventuallySays(t, "clock-weekly@default: created", "schedules", "apply", "clock.yaml")
	eventuallySays(t, "clock-weekly@default: unchanged", "schedules", "apply", "clock.yaml")
	eventuallySays(t, "0 10 * * TUE Europe/Berlin", "schedules", "list")
	eventuallySays(t, "opened case clock-", "schedules", "trigger", "clock-weekly@default")
	eventuallySays(t, "contain within 1m0s", "drills", "clock")
}

// eventuallySays runs a command until it prints a text: lists follow by moments, and a new namespace knows its search attributes late.
func eventuallySays(t *testing.T, want string, args ...string) {
	t.Helper()
	var last string
	for range 100 {
		var stdout, stderr safeBuffer
		sys := system{stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr, now: time.Now, env: os.LookupEnv, person: "t@t"}
		if run(t.Context(), sys, args) == exitOK && strings.Contains(stdout.String(), want) {
			return
		}
		last = stdout.String() + stderr.String()
		time.Sleep(200 * time.Millisecond)
	}
	t.Fatalf("%v never said %q: %s", args, want, last)
}
