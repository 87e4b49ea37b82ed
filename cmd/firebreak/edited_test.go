package main

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/firebreak-ir/firebreak/internal/labenv"
	"github.com/firebreak-ir/firebreak/workflows"
)

// heldPlaybook is held at its first step: a severity cannot be the name of a rule.
const heldPlaybook = `
apiVersion: firebreak/v1
kind: Playbook
metadata: {name: edited, version: VERSION}
dedup: {key: alert.target.pod}
steps:
  - {id: stuck, phase: coordinate, uses: ticket.open, with: {title: Look, severity: "${{ alert.rule }}"}}
  - {id: STEP, phase: improve, uses: ticket.open, with: {title: "STEP"}}
`

// TestACaseEndsOnThePlanItBeganOn: the playbook's file is edited while a case is held, and removed before the case goes on.
func TestACaseEndsOnThePlanItBeganOn(t *testing.T) {
	lab := labenv.Load(t)
	t.Chdir(t.TempDir())
	t.Setenv("TEMPORAL_ADDRESS", lab.Temporal.Address)
	t.Setenv("TEMPORAL_NAMESPACE", newNamespace(t, lab.Temporal.Address))
	startWorker(t)
	old := openEdited(t, "1.0.0", "before", "cart-1")
	young := openEdited(t, "2.0.0", "after", "cart-2")
	if err := os.Remove("edited.yaml"); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]string{old: "1.0.0 stuck before", young: "2.0.0 stuck after"} {
		until(t, id, workflows.Held)
		say(t, "skip", id, "stuck", "--reason", "not needed")
		s := until(t, id, workflows.Completed)
		got := []string{s.Version}
		for _, step := range s.Steps {
			got = append(got, step.Path)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s ran %v, want %s", id, got, want)
		}
	}
}

// openEdited writes the playbook and opens a case with it.
func openEdited(t *testing.T, version, step, pod string) string {
	t.Helper()
	alert := `{"rule":"Terminal shell","priority":"Notice","time":"2026-11-22T09:14:02Z","output_fields":{"k8s.pod.name":"` + pod + `"}}`
	for name, text := range map[string]string{
		"edited.yaml": strings.NewReplacer("VERSION", version, "STEP", step).Replace(heldPlaybook), "alert.json": alert,
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var opened struct {
		Case string `json:"case"`
	}
	if err := json.Unmarshal(say(t, "run", "edited.yaml", "--alert", "alert.json", "--output", "json"), &opened); err != nil {
		t.Fatal(err)
	}
	return opened.Case
}

// until waits for the status of a case.
func until(t *testing.T, id string, status workflows.Status) workflows.State {
	t.Helper()
	var s workflows.State
	for range 200 {
		if err := json.Unmarshal(say(t, "show", id, "--output", "json"), &s); err != nil {
			t.Fatal(err)
		}
		if s.Status == status {
			return s
		}
		time.Sleep(200 * time.Millisecond)
	}
	t.Fatalf("%s never was %s: %+v", id, status, s)
	return s
}

// say runs a command that must end well, and gives what it prints.
func say(t *testing.T, args ...string) []byte {
	t.Helper()
	var stdout, stderr bytes.Buffer
	sys := system{stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr, now: time.Now, env: os.LookupEnv, person: "t@t"}
	if code := run(t.Context(), sys, args); code != exitOK {
		t.Fatalf("%v ended with %d: %s", args, code, &stderr)
	}
	return stdout.Bytes()
}
