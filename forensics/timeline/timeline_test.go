package timeline_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/forensics/containers"
	"github.com/firebreak-ir/firebreak/forensics/lastwrites"
	"github.com/firebreak-ir/firebreak/forensics/timeline"
	"github.com/firebreak-ir/firebreak/forensics/volume"
	"github.com/firebreak-ir/firebreak/internal/labenv"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		write(t, file, got)
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Error(diff)
	}
}

func begin(t *testing.T, opts timeline.Options) *timeline.Timeline {
	t.Helper()
	if opts.Scratch == "" {
		opts.Scratch = t.TempDir()
	}
	line := timeline.New(opts)
	t.Cleanup(func() {
		if err := line.Close(); err != nil {
			t.Error(err)
		}
		if left, err := os.ReadDir(opts.Scratch); err != nil || len(left) != 0 {
			t.Errorf("left in the scratch directory: %v, %v", left, err)
		}
	})
	return line
}

func sketch(t *testing.T, line *timeline.Timeline) string {
	t.Helper()
	var out bytes.Buffer
	if err := line.Timesketch(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

var at = time.Date(2026, 11, 25, 13, 37, 56, 149420880, time.UTC)

// everything is one event of each kind that is not a log's.
func everything(t *testing.T, line *timeline.Timeline) {
	t.Helper()
	exit := 137
	add := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	add(line.AddFile(timeline.FileEntry{
		Path: "var/x\n\x1b[2J", SHA256: strings.Repeat("ab", 32), Alone: true, Place: lastwrites.Place{Container: "web", Pod: "shop/web-1"},
		Stat: volume.Stat{Inode: 12, Mode: volume.TypeRegular | 0o4755, UID: 1, GID: 2, Size: 3, Accessed: at, Modified: at, Changed: at.Add(1), Created: time.Unix(-7, 0)},
	}))
	add(line.AddFile(timeline.FileEntry{Path: ".", Stat: volume.Stat{Inode: 2, Mode: volume.TypeDir | 0o755, Modified: at.Add(48 * time.Hour)}}))
	add(line.AddFile(timeline.FileEntry{Path: "l", Target: "/etc/shadow", Stat: volume.Stat{Inode: 13, Mode: volume.TypeLink | 0o777, Modified: at.Add(-time.Hour)}}))
	for _, e := range timeline.ContainerEvents(containers.Container{
		ID: "0123456789abcdef", Name: "web", Image: "shop/web:1", Pod: "web-1", PodNamespace: "shop", ExitCode: &exit, Source: "var/lib/containerd/meta.db",
		Created: at.Add(-3 * time.Hour), Started: at.Add(-2 * time.Hour), Finished: at.Add(time.Second),
	}) {
		add(line.Add(e))
	}
	add(line.Add(timeline.Action{Time: at.Add(time.Minute), What: "isolated pod \"web-1\"", Who: "eve", Step: "contain"}.Event()))
	add(line.Add(timeline.Event{Time: time.Unix(1<<40, 0), What: "Log Entry Time", Message: "a date that nobody can write\u202e", Source: timeline.Audit}))
	add(line.Add(timeline.Event{Time: at, What: "Log Entry Time", Message: strings.Repeat("x", 4095) + "é" + strings.Repeat("y", 10000), Source: timeline.Syslog}))
}

// TestTimesketch compares the lines of every kind of event with those that were looked at by a person.
func TestTimesketch(t *testing.T) {
	line := begin(t, timeline.Options{Taken: at.Add(time.Hour)})
	everything(t, line)
	golden(t, "timesketch.jsonl", sketch(t, line))
}

// TestTimesketchFields checks with Python what Timesketch's importer needs: JSON objects with a message, a date that Python
// reads, the same moment in microseconds, what it is of, and a list of tags.
func TestTimesketchFields(t *testing.T) {
	labenv.NeedTool(t, "python3", "apt-get install python3")
	line := begin(t, timeline.Options{Taken: at.Add(time.Hour)})
	everything(t, line)
	const check = `
import sys, json, datetime
last = None
for line in sys.stdin:
    e = json.loads(line)
    d = datetime.datetime.fromisoformat(e["datetime"])
    assert d.utcoffset() == datetime.timedelta(0), line
    micros = (d - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)) // datetime.timedelta(microseconds=1)
    assert micros == e["timestamp"], line
    assert isinstance(e["message"], str) and e["message"].isprintable() and e["timestamp_desc"], line
    assert isinstance(e.get("tag", []), list) and not set(e) & {"_id", "_type", "_index", "_source"}, line
    assert last is None or last <= e["timestamp"]
    last = e["timestamp"]
    print(e["timestamp"])
`
	if said := run(t, []byte(sketch(t, line)), "python3", "-c", check); int64(strings.Count(said, "\n")) != line.Len() || line.Len() != 11 {
		t.Errorf("%d events\n%s", line.Len(), said)
	}
}

// TestTheOrderIsTheSame sorts in memory and with files to the same bytes. Events of one time stay as they were added.
func TestTheOrderIsTheSame(t *testing.T) {
	events := make([]timeline.Event, 20_000)
	for i := range events {
		events[i] = timeline.Event{Time: at.Add(time.Duration(i/3) * time.Nanosecond * 700), What: "x", Message: fmt.Sprintf("event %d", i)}
	}
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
	sorted := slices.Clone(events)
	slices.SortStableFunc(sorted, func(a, b timeline.Event) int { return a.Time.Compare(b.Time) })
	want := ""
	for _, memory := range []int64{1 << 30, 1 << 20, 1} {
		line := begin(t, timeline.Options{MemoryBytes: memory})
		for _, e := range events {
			if err := line.Add(e); err != nil {
				t.Fatal(err)
			}
		}
		got := sketch(t, line)
		if again := sketch(t, line); again != got || want != "" && got != want {
			t.Errorf("memory of %d bytes: another order", memory)
		}
		want = got
		if err := line.Add(events[0]); err == nil {
			t.Error("an event was added after the end")
		}
	}
	for i, line := range strings.Split(strings.TrimSpace(want), "\n") {
		if !strings.HasPrefix(line, `{"message":"`+sorted[i].Message+`"`) {
			t.Fatalf("%d: %s instead of %s", i, line, sorted[i].Message)
		}
	}
}

// TestScratchIsBounded fails instead of filling the disk.
func TestScratchIsBounded(t *testing.T) {
	line := begin(t, timeline.Options{MemoryBytes: 1, ScratchBytes: 2 << 20})
	var err error
	for i := 0; err == nil && i < 1_000_000; i++ {
		err = line.Add(timeline.Event{Time: at, Message: strings.Repeat("x", 1000)})
	}
	if err == nil || !strings.Contains(err.Error(), "scratch space") {
		t.Error(err)
	}
}

// TestFilter leaves out what is of another time, container or path.
func TestFilter(t *testing.T) {
	for name, test := range map[string]struct {
		filter timeline.Filter
		want   int64
	}{
		"none":           {timeline.Filter{}, 11},
		"from":           {timeline.Filter{From: at}, 6},
		"from and to":    {timeline.Filter{From: at, To: at.Add(1)}, 2},
		"container":      {timeline.Filter{Containers: []string{"web"}}, 6},
		"id":             {timeline.Filter{Containers: []string{"0123456789"}}, 3},
		"too short":      {timeline.Filter{Containers: []string{"01234", ""}}, 0},
		"path":           {timeline.Filter{Paths: []string{"/var"}}, 6},
		"paths":          {timeline.Filter{Paths: []string{"va", "l", "etc"}}, 1},
		"all paths":      {timeline.Filter{Paths: []string{"/"}}, 8},
		"both":           {timeline.Filter{Paths: []string{"var/"}, Containers: []string{"0123456789abcdef"}}, 3},
		"none of theirs": {timeline.Filter{To: time.Unix(-8, 0)}, 0},
	} {
		line := begin(t, timeline.Options{Filter: test.filter})
		everything(t, line)
		if n := line.Len(); n != test.want || int64(strings.Count(sketch(t, line), "\n")) != n {
			t.Errorf("%s: %d, want %d\n%.3000s", name, n, test.want, sketch(t, line))
		}
	}
}

// FuzzTimesketch keeps every event one valid line whose text moves no cursor.
func FuzzTimesketch(f *testing.F) {
	f.Add("message\n\x1b[31m\"\\", "path/\xff\u202e", int64(1<<40), uint32(5))
	f.Add("", "", int64(-1<<60), uint32(999_999_999))
	f.Fuzz(func(t *testing.T, message, path string, seconds int64, nanos uint32) {
		line := begin(t, timeline.Options{})
		if err := line.Add(timeline.Event{Time: time.Unix(seconds, int64(nanos)), What: path, Message: message, Path: path, Tags: []string{message}}); err != nil {
			t.Fatal(err)
		}
		out := sketch(t, line)
		var e struct {
			Message, Path string
			Datetime      time.Time
			Timestamp     int64
		}
		if err := json.Unmarshal([]byte(out), &e); err != nil || strings.Count(out, "\n") != 1 {
			t.Fatalf("%v: %q", err, out)
		}
		if e.Datetime.UnixMicro() != e.Timestamp || strings.ContainsFunc(out, func(r rune) bool {
			return r < ' ' && r != '\n' || r == 0x7F || r == '\u202e' || r == 0xFFFD && !strings.ContainsRune(message+path, 0xFFFD)
		}) {
			t.Fatalf("%q", out)
		}
		if strings.ContainsAny(e.Message, "\x1b\n\r") || len(path) < 8000 && unescape(t, e.Path) != path {
			t.Fatalf("%q, %q", e.Message, e.Path)
		}
	})
}
