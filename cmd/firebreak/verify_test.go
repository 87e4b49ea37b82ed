package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/firebreak-ir/firebreak/custody"
)

func TestVerify(t *testing.T) {
	dir := sealedCase(t)
	if code, out := verify(t, dir); code != exitOK || !strings.Contains(out, "\nwhole  one.12345678: 1 files, 5 B, 2 log entries\nhead   ") ||
		!strings.Contains(out, "note   the statement is not signed") {
		t.Errorf("untouched: %d %s", code, out)
	}
	if err := os.WriteFile(filepath.Join(dir, "data", "logs", "a.log"), []byte("other"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out := verify(t, dir); code != exitWrong || !strings.Contains(out, `wrong  "data/logs/a.log": SHA-256 is`) || !strings.Contains(out, "not whole") {
		t.Errorf("changed: %d %s", code, out)
	}
	if code, out := verify(t, dir, "--output", "json"); code != exitWrong || !strings.Contains(out, `"whole": false`) {
		t.Errorf("changed, as JSON: %d %s", code, out)
	}
	if code, _ := verify(t, filepath.Join(dir, "..", "two.12345678")); code != exitWrong {
		t.Errorf("a directory that is no case: %d", code)
	}
	if _, err := os.Stat(filepath.Join(dir, "..", "two.12345678")); err == nil {
		t.Error("verifying made a directory")
	}
}

func verify(t *testing.T, dir string, flags ...string) (int, string) {
	t.Helper()
	var out bytes.Buffer
	sys := system{stdout: &out, stderr: io.Discard, now: time.Now, env: func(string) (string, bool) { return "", false }}
	return run(t.Context(), sys, append([]string{"verify", dir}, flags...)), out.String()
}

func sealedCase(t *testing.T) string {
	t.Helper()
	store, err := custody.Open(t.TempDir(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	c, err := store.Case("one.12345678")
	if err != nil {
		t.Fatal(err)
	}
	by := custody.By{Step: "logs", Key: "k"}
	if _, err := c.Put(t.Context(), by, "data/logs/a.log", "log", func(w io.Writer) error {
		_, err := fmt.Fprint(w, "lines")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Seal(t.Context(), by, custody.Sealing{}); err != nil {
		t.Fatal(err)
	}
	return c.Dir()
}
