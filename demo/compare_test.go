package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firebreak-ir/firebreak/internal/labenv"
	"github.com/firebreak-ir/firebreak/internal/stage"
)

const caseJSON = `{"steps": [{"path": "identify", "output": "text"}, {"path": "open"},
  {"path": "last", "output": {"findings": [{"path": "/etc/passwd"}, {"path": "/tmp/.x", "sha256": "aa"}]}}]}`

func TestTheDroppedProgramIsLookedForAmongTheFindings(t *testing.T) {
	var out bytes.Buffer
	d := &demo{out: &out, errs: &out, stage: shows(t, caseJSON)}
	if err := d.compare(t.Context(), "case-1", labenv.Attack{Dropped: "/tmp/.x", SHA256: "aa"}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "/tmp/.x has the SHA-256 of the dropped program") {
		t.Errorf("it says %q", out.String())
	}
	err := d.compare(t.Context(), "case-1", labenv.Attack{Dropped: "/tmp/.x", SHA256: "bb"})
	if err == nil || !strings.Contains(err.Error(), "bb") {
		t.Errorf("a case that missed it: %v", err)
	}
	if err := d.compare(t.Context(), "case-1", labenv.Attack{}); err != nil {
		t.Errorf("a node that runs nothing: %v", err)
	}
}

// shows plays a firebreak that prints text, whatever it is asked.
func shows(t *testing.T, text string) *stage.Stage {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "firebreak")
	if err := os.WriteFile(binary, []byte("#!/bin/sh\ncat <<'END'\n"+text+"\nEND\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	s, err := stage.New(stage.Options{Binary: binary, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return s
}
