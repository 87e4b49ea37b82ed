package main

import (
	"encoding/json"
	"net"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/firebreak-ir/firebreak/triggers/decisions"
)

// freeAddress is an address on loopback on which nothing listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	return address
}

// caseID puts the whole id of a case into a variable: caseid VARIABLE REFERENCE.
func caseID(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) != 2 {
		ts.Fatalf("usage: caseid VARIABLE REFERENCE")
	}
	ts.Check(ts.Exec("firebreak", "show", args[1], "--output", "json"))
	var shown struct {
		Case string `json:"case"`
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &shown))
	ts.Setenv(args[0], shown.Case)
}

// TestOnATerminalAPersonSeesWhatTheyDecide: what an attacker wrote moves no cursor, and only a yes decides.
func TestOnATerminalAPersonSeesWhatTheyDecide(t *testing.T) {
	open := decisions.Open{
		Case: "c.1", Step: "triage", Title: "Contain?", Asked: []string{"ir-lead"}, Choices: []string{"contain", "reject"},
		Shown: map[string]any{"alert.summary": "a \x1b[2J shell"},
	}
	for _, test := range []struct {
		name, typed string
		yes, silent bool
		want        string
		wrong       bool
	}{
		{"yes", "y\n", false, false, "contain", false},
		{"no", "n\n", false, false, "", true},
		{"nothing", "", false, false, "", true},
		{"asked for no question", "", true, true, "contain", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out strings.Builder
			a := &app{system: system{stdin: strings.NewReader(test.typed), stdout: &out, terminal: true}}
			got, err := a.chosen(open, approveFlags{yes: test.yes}, false, "ann")
			if got != test.want && err == nil || (err != nil) != test.wrong {
				t.Fatalf("%q, %v", got, err)
			}
			shown := out.String()
			if test.silent != (shown == "") || strings.Contains(shown, "\x1b") || !test.silent && !strings.Contains(shown, `decide "contain" as ann?`) {
				t.Errorf("shown: %q", shown)
			}
			if !test.silent && !strings.Contains(shown, "shell") {
				t.Errorf("what is shown is not: %q", shown)
			}
		})
	}
}
