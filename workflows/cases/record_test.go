package cases_test

import (
	"bytes"
	"compress/gzip"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/firebreak-ir/firebreak/workflows/cases"
	"github.com/firebreak-ir/firebreak/workflows/cases/casetest"
)

var update = flag.Bool("update", false, "record the histories that the replay test of workflows reads, as `make histories` does")

// replays exports the history of a toy's run and runs it again.
func (w *world) replays(t *testing.T, of cases.Case, name string) {
	t.Helper()
	w.keeps(t, of, "test", name)
}

// keeps exports a run's history and runs it again: what is exported can be replayed, and the interpreter decides the same.
// With -update it is recorded for the builds to come, in the folder of its playbook.
func (w *world) keeps(t *testing.T, of cases.Case, folder, name string) {
	t.Helper()
	var history bytes.Buffer
	events, err := w.Export(t.Context(), of.Workflow, of.Run, &history)
	if err != nil || events < 5 {
		t.Fatalf("%d events, %v", events, err)
	}
	in := t.TempDir()
	if *update {
		in = filepath.Join("..", "testdata", "history", folder)
	}
	if err := os.MkdirAll(in, 0o750); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(in, name+".json.gz")
	if err := os.WriteFile(file, compressed(t, anonymous(t, history.Bytes())), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := casetest.Replay(file); err != nil {
		t.Fatal(err)
	}
}

// compressed is without a time or a name of its own.
func compressed(t *testing.T, text []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	zip, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := zip.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// anonymous takes the machine's name out of a history that is to be kept.
func anonymous(t *testing.T, history []byte) []byte {
	t.Helper()
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	return bytes.ReplaceAll(history, []byte("@"+host), []byte("@worker"))
}
