package timeline

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"io"
	"io/fs"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// memory is a file of a disk that a fuzzer makes.
type memory struct{ *bytes.Reader }

func (memory) Close() error               { return nil }
func (memory) Stat() (fs.FileInfo, error) { return nil, fs.ErrInvalid }

// parse lets read look at content as at a log of a disk, and checks what it gives: bounded events that are valid JSON.
func parse(t *testing.T, content []byte, read func(l *logReader) func(*logFile) error) (events int, report LogReport) {
	t.Helper()
	l := &logReader{
		LogOptions: LogOptions{MaxFileBytes: 1 << 20, MaxBytes: 1 << 20, MaxFiles: 1, Zone: time.UTC, MaxTimeline: 1 << 30},
		most:       1 << 30, ctx: t.Context(), seen: map[uint64]bool{}, ids: map[string]string{},
	}
	var line []byte
	l.emit = func(e *Event) error {
		events++
		e.plausible(time.Unix(1_800_000_000, 0))
		line = e.appendJSON(line[:0])
		if !json.Valid(line) || !utf8.Valid(line) || len(line) > 64<<10 {
			t.Fatalf("%q", line)
		}
		return nil
	}
	c := &counter{ctx: t.Context(), r: bytes.NewReader(content), left: 1 << 20}
	log := &logFile{
		name: "log", stat: volume.Stat{Size: int64(len(content)), Modified: time.Unix(1_790_000_000, 0)}, file: memory{bytes.NewReader(content)},
		counter: c, r: bufio.NewReader(c),
	}
	if err := l.sort("log", read(l)(log)); err != nil {
		t.Fatal(err)
	}
	return events, l.report
}

func fuzz(f *testing.F, read func(l *logReader) func(*logFile) error, seeds ...string) {
	f.Helper()
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		if events, _ := parse(t, content, read); events > len(content)+1 {
			t.Fatalf("%d events of %d bytes", events, len(content))
		}
	})
}

func FuzzTextLog(f *testing.F) {
	fuzz(f, func(l *logReader) func(*logFile) error { return l.textLog(Syslog, Event{}) },
		"Nov 25 10:15:00 node cron[77]: x\n  more\n", "<13>1 2026-11-25T10:16:00.25+02:00 h a 42 - - x", "2026-11-25 10:16:00,25 x", "Feb 29 00:00:00 x",
		"I1125 10:20:00.654321    1234 kubelet.go:1] x", `time="2026-11-25T10:21:00.5Z" level=info`, "type=X msg=audit(1795601640.123:4567): x", "<>1 ", "0000-00-00T00:00:00Z")
}

func FuzzPodLog(f *testing.F) {
	fuzz(f, func(l *logReader) func(*logFile) error { return l.podLog(Event{}) },
		"2026-11-25T10:00:00.123456789Z stdout F a\n2026-11-25T10:00:00Z stderr P b\n", "2026-11-25T10:00:00+23:59 stdout P:x a\n2026-11-25T10:00:00Z stdout F b", "9999-12-31T23:59:59-23:59 stdout F")
}

func FuzzDockerLog(f *testing.F) {
	fuzz(f, func(l *logReader) func(*logFile) error { return l.dockerLog(Event{}) },
		`{"log":"half ","stream":"stdout","time":"2026-11-25T11:00:00.1Z"}`+"\n"+`{"log":"x\n","stream":"stdout","time":"2026-11-25T11:00:00.2Z"}`, `{"log":"\u0000\ud800","stream":"stderr","time":"0001-01-01T00:00:00Z"}`)
}

func FuzzHistory(f *testing.F) {
	fuzz(f, func(l *logReader) func(*logFile) error { return l.history(Event{}) }, "ls\n#1795602000\nid\nx\n", ": 1795602120:0;rm -rf /\n", "#999999999999\nx")
}

func FuzzLogins(f *testing.F) {
	record := make([]byte, utmpShort)
	record[0], record[340] = 7, 1
	fuzz(f, func(l *logReader) func(*logFile) error { return l.logins(true) }, string(record), string(append(record, make([]byte, 16)...)))
}

func FuzzLastLogins(f *testing.F) {
	record := make([]byte, lastlogLong)
	record[0] = 1
	fuzz(f, func(l *logReader) func(*logFile) error {
		l.disk = nil
		return l.lastLogins
	}, string(record), string(record[:lastlogShort]))
}

func FuzzJournal(f *testing.F) {
	for _, compact := range []bool{false, true} {
		f.Add(smallJournal(compact))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		parse(t, content, func(l *logReader) func(*logFile) error { return l.journal })
	})
}

// TestSmallJournal shows that what the fuzzer begins with is read whole.
func TestSmallJournal(t *testing.T) {
	for _, compact := range []bool{false, true} {
		if events, report := parse(t, smallJournal(compact), func(l *logReader) func(*logFile) error { return l.journal }); events != 2 || len(report.Problems) != 0 {
			t.Errorf("%v: %d events, %q", compact, events, report.Problems)
		}
	}
}

// smallJournal is a journal with two entries that share a field, and a list that leads to them.
func smallJournal(compact bool) []byte {
	width, payload, le := 16, 64, binary.LittleEndian
	if compact {
		width, payload = 4, 72
	}
	raw := append(make([]byte, 0, 4096), journalMark...)
	raw = append(raw, make([]byte, minHeader-8)...)
	object := func(kind byte, body []byte) uint64 {
		at := uint64(len(raw))
		raw = append(raw, kind, 0, 0, 0, 0, 0, 0, 0)
		raw = le.AppendUint64(raw, uint64(16+len(body)))
		raw = append(raw, body...)
		raw = append(raw, make([]byte, -len(raw)&7)...)
		return at
	}
	item := func(body []byte, at uint64, room int) []byte {
		if compact {
			return le.AppendUint32(body, uint32(at))
		}
		return append(le.AppendUint64(body, at), make([]byte, room-8)...)
	}
	message := object(objectData, append(make([]byte, payload-16), "MESSAGE=hello"...))
	comm := object(objectData, append(make([]byte, payload-16), "_COMM=x"...))
	var list []byte
	for n := range uint64(2) {
		body := make([]byte, entryHead-16)
		le.PutUint64(body[8:], 1_795_600_000_000_000+n)
		list = item(list, object(objectEntry, item(item(body, message, width), comm, width)), 8)
	}
	le.PutUint64(raw[176:], object(objectArray, append(make([]byte, 8), list...)))
	if compact {
		le.PutUint32(raw[12:], journalCompact)
	}
	le.PutUint64(raw[88:], minHeader)
	le.PutUint64(raw[96:], uint64(len(raw)-minHeader))
	return raw
}

var _ volume.File = memory{}
var _ io.ReaderAt = memory{}
