package forensics_test

import (
	"bytes"
	"debug/elf"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/firebreak-ir/firebreak/activities/forensics"
	"github.com/firebreak-ir/firebreak/custody"
)

// written is a line of last-writes.jsonl.
type written struct{ Change, Path, Inside, SHA256, Problem, Severity string }

// lastWrites runs forensics.last_writes and gives the list as it lies in the evidence.
func lastWrites(t *testing.T, deps forensics.Deps) (forensics.LastWritesOutput, []byte) {
	t.Helper()
	return listOf(t, deps, forensics.LastWritesInput{Image: imageName, Since: time.Now().Add(-time.Hour)})
}

// writesOf is listOf with the lines of the list by their paths.
func writesOf(t *testing.T, deps forensics.Deps, in forensics.LastWritesInput) (forensics.LastWritesOutput, map[string]written) {
	t.Helper()
	out, raw := listOf(t, deps, in)
	return out, byPath(t, raw)
}

func listOf(t *testing.T, deps forensics.Deps, in forensics.LastWritesInput) (forensics.LastWritesOutput, []byte) {
	t.Helper()
	out, err := run[forensics.LastWritesOutput](t, forensics.LastWrites(deps), call("last"), in)
	if err != nil {
		t.Fatal(err)
	}
	c, err := deps.Store.Case(call("last").Case)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(c.Dir(), out.Items[0].Path))
	if err != nil {
		t.Fatal(err)
	}
	return out, raw
}

func byPath(t *testing.T, raw []byte) map[string]written {
	t.Helper()
	found := map[string]written{}
	for line := range strings.Lines(string(raw)) {
		var w written
		if err := json.Unmarshal([]byte(line), &w); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		found[w.Path] = w
	}
	return found
}

// program makes a file with the head of a program, so long and mostly holes.
func program(t *testing.T, name string, size int64) {
	t.Helper()
	writeFile(t, name, []byte(elf.ELFMAG+"\x02"))
	if err := os.Truncate(name, size); err != nil {
		t.Fatal(err)
	}
}

// TestHolesAreNotHashed passes over files that cost their writer nothing, says so, and still sees what they are.
func TestHolesAreNotHashed(t *testing.T) {
	source := t.TempDir()
	for i := range 40 {
		program(t, filepath.Join(source, fmt.Sprintf("usr/bin/%d", i)), 900<<20)
	}
	program(t, filepath.Join(source, "usr/bin/small"), 10000)
	program(t, filepath.Join(source, "usr/bin/huge"), 2<<30)
	begin := time.Now()
	out, raw := lastWrites(t, forensics.Deps{Store: withImage(t, makeDisk(t, source))})
	if took := time.Since(begin); took > 15*time.Second {
		t.Errorf("it took %s", took)
	}
	found := byPath(t, raw)
	if f := found["usr/bin/7"]; f.SHA256 != "" || !strings.Contains(f.Problem, "bytes are holes") || f.Severity != "high" {
		t.Errorf("%+v", f)
	}
	if f := found["usr/bin/huge"]; f.SHA256 != "" || !strings.Contains(f.Problem, "more than 1073741824 bytes") || f.Severity != "high" {
		t.Errorf("%+v", f)
	}
	if f := found["usr/bin/small"]; len(f.SHA256) != 64 || f.Problem != "" {
		t.Errorf("%+v", f)
	}
	if !strings.Contains(out.Summary, "41 files not hashed") {
		t.Error(out.Summary)
	}
}

// TestHashBudget stops hashing when the budget is used up, and goes on listing.
func TestHashBudget(t *testing.T) {
	source := t.TempDir()
	for i := range 9 {
		writeFile(t, filepath.Join(source, fmt.Sprintf("usr/bin/%d", i)), bytes.Repeat([]byte("x"), 4096))
	}
	_, raw := lastWrites(t, forensics.Deps{Store: withImage(t, makeDisk(t, source)), HashBytes: 5 * 8192})
	found := byPath(t, raw)
	if f := found["usr/bin/4"]; len(f.SHA256) != 64 || f.Problem != "" {
		t.Errorf("%+v", f)
	}
	if f := found["usr/bin/5"]; f.SHA256 != "" || !strings.Contains(f.Problem, "used up") || len(found) != 9 {
		t.Errorf("%+v of %d", f, len(found))
	}
}

// TestLastWritesGoOn keeps the whole lines of a killed attempt and makes the others.
func TestLastWritesGoOn(t *testing.T) {
	image := dockerDisk(t)
	_, want := lastWrites(t, forensics.Deps{Store: withImage(t, image)})
	lines := bytes.SplitAfter(want, []byte("\n"))
	if len(lines) < 10 {
		t.Fatalf("%d lines", len(lines))
	}
	marked := bytes.Replace(lines[0], []byte(`"sha256":"`), []byte(`"sha256":"ffff`), 1) // as the killed attempt wrote it
	deps := forensics.Deps{Store: withImage(t, image)}
	c, err := deps.Store.Case(call("last").Case)
	if err != nil {
		t.Fatal(err)
	}
	scratch, err := c.Scratch(custody.By{Step: "last", Key: call("last").Key})
	if err != nil {
		t.Fatal(err)
	}
	torn := append(append(bytes.Clone(marked), lines[1]...), lines[2][:20]...)
	writeFile(t, filepath.Join(scratch, "last-writes.jsonl"), torn)
	_, got := lastWrites(t, deps)
	if again, same := lastWrites(t, deps); !bytes.Equal(same, got) || again.Total != len(lines)-1 {
		t.Errorf("a second run differs: %+v", again)
	}
	if !bytes.Equal(got, append(marked, bytes.Join(lines[1:], nil)...)) || bytes.Equal(marked, lines[0]) {
		t.Errorf("%d bytes instead of %d\n%.300s", len(got), len(want), got)
	}
}
