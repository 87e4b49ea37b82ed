package forensics_test

import (
	"bytes"
	"debug/elf"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/activities/forensics"
	"github.com/firebreak-ir/firebreak/custody"
)

// TestAnalyzeSnapshot reads a real snapshot in one step, twice.
func TestAnalyzeSnapshot(t *testing.T) {
	source := t.TempDir()
	containerdStore(t, filepath.Join(source, "lib/containerd"))
	writeFile(t, filepath.Join(source, layer, "tmp/.x"), append([]byte(elf.ELFMAG), make([]byte, 100)...))
	p := preserve(t, makeDisk(t, source))
	d := forensics.AnalyzeSnapshot(p.deps)
	in := forensics.AnalyzeSnapshotInput{Snapshot: p.snapshot, To: "file://" + p.store.Root(), Since: time.Now().Add(-time.Hour)}
	out, err := run[forensics.AnalyzeSnapshotOutput](t, d, call("read"), in)
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Findings) != 2 || out.Found != 2 || out.Drift != 3 || out.Containers == 0 || len(out.Items) != 10 || len(out.SHA256) != 64 {
		t.Fatalf("%+v", out)
	}
	f := out.Findings[0]
	if f.Severity != "high" || f.Container != "web" || f.Pod != "shop/web-1" || !strings.HasPrefix(f.ID, "f-") || len(f.SHA256) != 64 || !strings.HasSuffix(f.Path, "tmp/.x") {
		t.Errorf("%+v", f)
	}
	if want := `A program was written in container "web" of pod "shop/web-1": "/tmp/.x"`; f.Title != want {
		t.Errorf("title %s, want %s", f.Title, want)
	}
	again, err := run[forensics.AnalyzeSnapshotOutput](t, d, call("read"), in)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(out, again); diff != "" {
		t.Errorf("a second run (-first +second):\n%s", diff)
	}
}

// A finding is another one on another snapshot: a ticket for each.
func TestFindingsAreToldApartBySnapshot(t *testing.T) {
	source := t.TempDir()
	containerdStore(t, filepath.Join(source, "lib/containerd"))
	writeFile(t, filepath.Join(source, layer, "tmp/.x"), append([]byte(elf.ELFMAG), make([]byte, 100)...))
	image, ids := makeDisk(t, source), map[string]bool{}
	for range 2 {
		p := preserve(t, image)
		out, err := run[forensics.AnalyzeSnapshotOutput](t, forensics.AnalyzeSnapshot(p.deps), call("read"), forensics.AnalyzeSnapshotInput{Snapshot: p.snapshot, Since: time.Now().Add(-time.Hour)})
		if err != nil || len(out.Findings) != 2 {
			t.Fatalf("%+v, %v", out, err)
		}
		ids[out.Findings[0].ID] = true
	}
	if len(ids) != 2 {
		t.Errorf("ids %v", ids)
	}
}

// TestInventoryGoesOn behind the last whole entry of a killed attempt, and ends with the same bytes: what that attempt hashed
// is not hashed again.
func TestInventoryGoesOn(t *testing.T) {
	source := t.TempDir()
	containerdStore(t, filepath.Join(source, "lib/containerd"))
	for _, name := range []string{"a\xff\xfe", "b", "c", "d"} {
		writeFile(t, filepath.Join(source, "opt", name), []byte(name))
	}
	p := preserve(t, makeDisk(t, source))
	whole := inventoryOf(t, p, p.store, nil)
	lines := bytes.SplitAfter(whole, []byte("\n"))
	at := slices.IndexFunc(lines, func(line []byte) bool { return bytes.Contains(line, []byte(`"path":"opt/b"`)) })
	if at < 1 || !bytes.Contains(whole, []byte(`"rawPath":"b3B0L2H//g=="`)) {
		t.Fatalf("%d: %s", at, whole)
	}
	marked := bytes.Replace(bytes.Join(lines[:at+1], nil), []byte(`"sha256":"`), []byte(`"sha256":"ffff`), 1)
	got := inventoryOf(t, p, newStore(t), append(bytes.Clone(marked), lines[at+1][:20]...))
	if want := append(marked, bytes.Join(lines[at+1:], nil)...); !bytes.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	body, err := os.ReadFile(filepath.Join(p.store.Root(), call("read").Case, "data", p.snapshot, "bodyfile"))
	if err != nil || !strings.Contains(string(body), `/opt/a\xff\xfe|`) {
		t.Errorf("the body file: %s, %v", body, err)
	}
}

// inventoryOf analyzes a snapshot, where an attempt before left the beginning of the inventory, and gives it whole.
func inventoryOf(t *testing.T, p *preserved, store *custody.Store, left []byte) []byte {
	t.Helper()
	c, err := store.Case(call("read").Case)
	if err != nil {
		t.Fatal(err)
	}
	if left != nil {
		scratch, err := c.Scratch(custody.By{Step: "read", Key: call("read").Key})
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(scratch, "inventory.jsonl"), left)
	}
	deps := p.deps
	deps.Store = store
	if _, err := run[forensics.AnalyzeSnapshotOutput](t, forensics.AnalyzeSnapshot(deps), call("read"), forensics.AnalyzeSnapshotInput{Snapshot: p.snapshot}); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(c.Dir(), "data", p.snapshot, "inventory.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestAnalyzeSnapshotGoesOn keeps what an attempt before has finished, and makes the rest.
func TestAnalyzeSnapshotGoesOn(t *testing.T) {
	source := t.TempDir()
	containerdStore(t, filepath.Join(source, "lib/containerd"))
	writeFile(t, filepath.Join(source, layer, "tmp/.x"), append([]byte(elf.ELFMAG), make([]byte, 100)...))
	p := preserve(t, makeDisk(t, source))
	c, err := p.store.Case(call("read").Case)
	if err != nil {
		t.Fatal(err)
	}
	drift := "data/" + p.snapshot + "/drift.jsonl"
	kept, err := c.Put(t.Context(), custody.By{Step: "read", Key: call("read").Key}, drift, "drift", func(w io.Writer) error {
		_, err := io.WriteString(w, "{}\n")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	out, err := run[forensics.AnalyzeSnapshotOutput](t, forensics.AnalyzeSnapshot(p.deps), call("read"), forensics.AnalyzeSnapshotInput{Snapshot: p.snapshot, Since: time.Now().Add(-time.Hour)})
	if err != nil || len(out.Findings) != 2 || !slices.Contains(out.Items, kept) {
		t.Fatalf("%+v, %v", out, err)
	}
	for _, name := range []string{"findings.json", "bodyfile", "timeline.jsonl"} {
		raw, err := os.ReadFile(filepath.Join(c.Dir(), "data", p.snapshot, name))
		if err != nil || !strings.Contains(string(raw), "tmp/.x") {
			t.Errorf("%s: %.300s, %v", name, raw, err)
		}
	}
}

func TestAnalyzeSnapshotOfADiskThatCannotBeRead(t *testing.T) {
	s := &snapshotOf{blocks: 3, corrupt: -1}
	out, err := run[forensics.AnalyzeSnapshotOutput](t, forensics.AnalyzeSnapshot(s.deps(newStore(t))), call("read"), forensics.AnalyzeSnapshotInput{Snapshot: "snap-0123456789abcdef0"})
	if err != nil || out.Status != activities.Skipped || out.Findings == nil || len(out.Items) != 3 || !strings.Contains(out.Summary, "nothing on the image") {
		t.Errorf("%+v, %v", out, err)
	}
	s = &snapshotOf{blocks: 3, corrupt: 1}
	_, err = run[forensics.AnalyzeSnapshotOutput](t, forensics.AnalyzeSnapshot(s.deps(newStore(t))), call("read"), forensics.AnalyzeSnapshotInput{Snapshot: "snap-0123456789abcdef0"})
	if kindOf(err) != activities.Corrupt {
		t.Errorf("corrupt blocks: %v", err)
	}
	_, err = run[forensics.AnalyzeSnapshotOutput](t, forensics.AnalyzeSnapshot(s.deps(newStore(t))), call("read"), forensics.AnalyzeSnapshotInput{Snapshot: "snap-0123456789abcdef0", To: "s3://bucket"})
	if kindOf(err) != activities.InvalidInput {
		t.Errorf("another store: %v", err)
	}
}
