package evidence_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/activities/evidence"
	"github.com/firebreak-ir/firebreak/custody"
)

func newStore(t *testing.T) *custody.Store {
	t.Helper()
	store, err := custody.Open(t.TempDir(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func call(step string) activities.Call {
	return activities.Call{Case: "test-1.1", Step: step, Key: "test-1.1/" + step}
}

func run[Out any](t *testing.T, d activities.Definition, c activities.Call, in string) (Out, error) {
	t.Helper()
	var out Out
	raw, err := d.Run(t.Context(), c, json.RawMessage(in))
	if err == nil {
		err = json.Unmarshal(raw, &out)
	}
	return out, err
}

// recorded is a history that counts how often it was read.
type recorded struct{ reads int }

func (r *recorded) Export(_ context.Context, workflow, _ string, w io.Writer) (int, error) {
	r.reads++
	if workflow == "gone" {
		return 0, errors.New("connection refused")
	}
	_, err := io.WriteString(w, `{"archived":{"events":1},"events":[`+strings.Repeat(`{"eventId":"1"},`, 6)+`{"eventId":"7"}]}`)
	return 7, err
}

// Previous makes a chain of s, q and p.
func (r *recorded) Previous(_ context.Context, _, run string) (string, error) {
	return map[string]string{"s": "q", "q": "p"}[run], nil
}

func TestEveryRunOfALongCaseIsKept(t *testing.T) {
	store := newStore(t)
	out, err := run[evidence.ExportHistoryOutput](t, evidence.ExportHistory(store, &recorded{}), call("history"), `{"workflow":"w","run":"s"}`)
	if err != nil || len(out.Earlier) != 2 || out.Earlier[0].Path != "data/history.q.json" || out.Earlier[1].Path != "data/history.p.json" {
		t.Fatalf("%+v, %v", out, err)
	}
}

func TestTheCasesPapersAreKeptOnceAndSealed(t *testing.T) {
	store, history := newStore(t), &recorded{}
	const hostile = `{"alert":{"rule":"</script>\u001b[31m","fields":{"evt.time":1764068400000000001}}}`
	for range 2 {
		alert, err := run[evidence.RecordAlertOutput](t, evidence.RecordAlert(store), call("alert"), hostile)
		if err != nil || alert.Item.Path != evidence.AlertName {
			t.Fatalf("%+v, %v", alert, err)
		}
		if _, err := run[evidence.ExportHistoryOutput](t, evidence.ExportHistory(store, history), call("history"), `{"workflow":"w","run":"r"}`); err != nil {
			t.Fatal(err)
		}
	}
	if history.reads != 1 {
		t.Fatalf("the history was exported %d times", history.reads)
	}
	seal, err := run[evidence.SealOutput](t, evidence.Seal(store, custody.Sealing{}), call("seal"), `{"to":"file://`+store.Root()+`"}`)
	if err != nil || seal.Files != 2 || seal.Manifest != custody.ManifestName {
		t.Fatalf("%+v, %v", seal, err)
	}
	if _, err := run[evidence.NoteUndoOutput](t, evidence.NoteUndo(store), call("undo"), `{"text":"4 changes undone"}`); err != nil {
		t.Fatal(err)
	}
	c, err := store.Case("test-1.1")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Verify(t.Context()); err != nil {
		t.Fatal(err)
	}
	log, err := os.ReadFile(filepath.Join(c.Dir(), custody.LogName))
	if err != nil || !strings.Contains(string(log), "history of 7 events") || !strings.Contains(string(log), "4 changes undone") {
		t.Fatalf("%v\n%s", err, log)
	}
	kept, err := os.ReadFile(filepath.Join(c.Dir(), evidence.AlertName))
	if err != nil || !strings.Contains(string(kept), "1764068400000000001") || strings.ContainsRune(string(kept), 0x1b) {
		t.Fatalf("%v\n%s", err, kept)
	}
}

// A kill between the file and its note: the log must name workflow, run and length all the same, and once.
func TestAKillBeforeTheNoteIsMadeUpFor(t *testing.T) {
	store, history, killed := newStore(t), &recorded{}, call("history")
	c, err := store.Case(killed.Case)
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Put(t.Context(), custody.By{Step: killed.Step, Key: killed.Key}, evidence.HistoryName, "history", func(w io.Writer) error {
		_, err := history.Export(t.Context(), "w", "x", w)
		return err
	})
	if err != nil { // and then the worker is killed
		t.Fatal(err)
	}
	for range 2 {
		out, err := run[evidence.ExportHistoryOutput](t, evidence.ExportHistory(store, history), killed, `{"workflow":"w","run":"r"}`)
		if err != nil || out.Events != 7 || out.Item.Path != evidence.HistoryName {
			t.Fatalf("%+v, %v", out, err)
		}
	}
	log, err := os.ReadFile(filepath.Join(c.Dir(), custody.LogName))
	if err != nil || strings.Count(string(log), "workflow w, run r, history of 7 events") != 1 || history.reads != 1 {
		t.Fatalf("%d reads, %v\n%s", history.reads, err, log)
	}
}

func TestAHistoryThatCannotBeReadLeavesNothing(t *testing.T) {
	store := newStore(t)
	_, err := run[evidence.ExportHistoryOutput](t, evidence.ExportHistory(store, &recorded{}), call("history"), `{"workflow":"gone","run":"r"}`)
	if err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Fatal(err)
	}
	c, err := store.Case("test-1.1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(c.Dir(), evidence.HistoryName)); !os.IsNotExist(err) {
		t.Fatalf("a file was left: %v", err)
	}
}

func TestADryRunWritesNothing(t *testing.T) {
	root := t.TempDir()
	store, err := custody.Open(root, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	dry := call("any")
	dry.DryRun = true
	for name, in := range map[string]string{
		"evidence.record_alert": `{"alert":{}}`, "evidence.export_history": `{"workflow":"w","run":"r"}`,
		"evidence.seal": `{}`, "evidence.note_undo": `{"text":"x"}`,
	} {
		d, _ := activities.NewCatalog(evidence.RecordAlert(store), evidence.ExportHistory(store, &recorded{}),
			evidence.Seal(store, custody.Sealing{}), evidence.NoteUndo(store)).Find(name)
		out, err := run[struct{ Would []activities.Difference }](t, d, dry, in)
		if err != nil || len(out.Would) != 1 {
			t.Errorf("%s: %+v, %v", name, out, err)
		}
	}
	entries, err := os.ReadDir(root)
	if err != nil || len(entries) != 0 {
		t.Fatalf("%v, %v", entries, err)
	}
}

func TestTwoStepsCannotWriteOnePaper(t *testing.T) {
	store := newStore(t)
	for _, step := range []string{"first", "second"} {
		_, err := run[evidence.RecordAlertOutput](t, evidence.RecordAlert(store), call(step), `{"alert":{}}`)
		if kind, _ := activities.KindOf(err); step == "second" && kind != activities.Conflict {
			t.Fatalf("got %v", err)
		}
	}
}

func TestWithoutAStoreNothingIsClaimed(t *testing.T) {
	if _, err := run[evidence.SealOutput](t, evidence.Seal(nil, custody.Sealing{}), call("seal"), `{}`); err == nil {
		t.Fatal("sealed nothing")
	}
}
