package timeline_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/forensics/timeline"
)

const journalDir = "var/log/journal/0123456789abcdef0123456789abcdef/"

// journalFile gives a journal that systemd wrote.
func journalFile(t testing.TB, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name+".journal.gz"))
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// journalled is what the journals hold.
func journalled() []string {
	const base = 1_795_600_000_000_000
	var out []string
	for i := range 40 {
		out = append(out, fmt.Sprintf("%d ssh.service sshd[%d]: Accepted publickey for root, %d", base+i*1_000_000, 100+i%3, i))
	}
	long := "long: " + strings.Repeat("payload ", 700) // compressed, and longer than what is shown
	return append(out,
		fmt.Sprintf("%d %s… (%d bytes)", base+50_000_001, ("kubelet.service kubelet[77]: " + long)[:4096-64], len(long)+29),
		fmt.Sprintf("%d tag (x)[9]: esc \\x1b[31m red\\x0asecond line", base+51_000_002),
		fmt.Sprintf("%d kernel: no unit", base+52_000_003),
		fmt.Sprintf("%d odd: ", base+53_000_004))
}

func journalLines(t *testing.T, files map[string]string) ([]string, timeline.LogReport) {
	t.Helper()
	out, report := readLogs(t, logDisk(t, files), timeline.LogOptions{})
	var got []string
	for line := range strings.Lines(out) {
		var e struct {
			Timestamp int64
			Message   string
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%d %s", e.Timestamp, e.Message))
	}
	return got, report
}

// TestJournal reads journals with offsets of both widths and a compressed field.
func TestJournal(t *testing.T) {
	for _, name := range []string{"regular", "compact"} {
		got, report := journalLines(t, map[string]string{journalDir + "system.journal": string(journalFile(t, name))})
		if diff := cmp.Diff(journalled(), got); diff != "" || len(report.Problems) != 0 {
			t.Errorf("%s: %v\n%s", name, report.Problems, diff)
		}
	}
}

// objects gives the places of a journal's objects of a kind.
func objects(raw []byte, kind byte) []int {
	var out []int
	for at := int(binary.LittleEndian.Uint64(raw[88:])); at+16 < len(raw); {
		size := int(binary.LittleEndian.Uint64(raw[at+8:]))
		if size == 0 {
			break
		}
		if raw[at] == kind {
			out = append(out, at)
		}
		at += (size + 7) &^ 7
	}
	return out
}

// TestDamagedJournal goes on behind a damaged object with what the journal's own lists lead to.
func TestDamagedJournal(t *testing.T) {
	for _, name := range []string{"regular", "compact"} {
		raw := journalFile(t, name)
		entries := objects(raw, 3)
		binary.LittleEndian.PutUint64(raw[entries[20]+8:], 1<<40)
		got, report := journalLines(t, map[string]string{journalDir + "system@1.journal~": string(raw)})
		want := append(journalled()[:20:20], journalled()[21:]...)
		if diff := cmp.Diff(want, got); diff != "" || len(report.Problems) != 1 || !strings.Contains(report.Problems[0], fmt.Sprintf("the object at byte %d", entries[20])) {
			t.Errorf("%s: %q\n%s", name, report.Problems, diff)
		}
	}
}

// TestJournalCompressedOtherwise names the way of compression that it does not read, and keeps the entry.
func TestJournalCompressedOtherwise(t *testing.T) {
	for flag, name := range map[byte]string{1: "xz", 2: "lz4"} {
		raw := journalFile(t, "regular")
		for _, at := range objects(raw, 1) {
			if raw[at+1] == 4 {
				raw[at+1] = flag
			}
		}
		got, report := journalLines(t, map[string]string{journalDir + "system.journal": string(raw)})
		if len(got) != 44 || !strings.Contains(got[40], "(compressed with "+name+", which is not read)") || len(report.Problems) != 1 || !strings.Contains(report.Problems[0], name) {
			t.Errorf("%q, %q", got, report.Problems)
		}
	}
}

// TestNoJournal says what is wrong with a file that only looks like one.
func TestNoJournal(t *testing.T) {
	raw := journalFile(t, "regular")[:4096]
	endless := bytes.Clone(raw)
	binary.LittleEndian.PutUint64(endless[88:], 1<<60)
	_, report := journalLines(t, map[string]string{
		journalDir + "a.journal": "short", journalDir + "b.journal": strings.Repeat("x", 300), journalDir + "c.journal": string(endless), journalDir + "notes": "x",
	})
	if said := strings.Join(report.Problems, "\n"); len(report.Problems) != 3 || !strings.Contains(said, "b.journal: it is no systemd journal") || !strings.Contains(said, "c.journal: the journal's header is damaged") {
		t.Errorf("%q", said)
	}
}
