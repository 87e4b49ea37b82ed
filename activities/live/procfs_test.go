package live

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// line is one line as the scripts print it; an empty field is a minus.
func line(word string, fields ...string) string {
	for _, f := range fields {
		if f == "" {
			word += " -"
			continue
		}
		word += " " + base64.StdEncoding.EncodeToString([]byte(f))
	}
	return word + "\n"
}

const stat = "42 (a) b (\n) S 7 42 42 0 -1 4194560 10 0 0 0 1 2 0 0 20 0 1 0 250 1000 10\n"

func TestParseProcesses(t *testing.T) {
	text := "self 9\n" + line("boot", "btime 1700000000\n") +
		line("process", stat, "Uid:\t0\t1000\t0\t0\n", "sh\x00-c\x00end\nprocess\x00", "/tmp/x (deleted)\n", "/\xff\n") +
		line("process", "", "", "", "", "") + // it ended while it was read
		"more\nend\n"
	got, err := parseProcesses([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	want := processList{Cut: true, Processes: []Process{{
		PID: 42, PPID: 7, UID: 1000, Name: "a) b (\n", State: "S", Exe: "/tmp/x (deleted)", Cwd: "/\ufffd",
		Cmdline: []string{"sh", "-c", "end\nprocess"}, Start: time.Unix(1700000002, 500e6).UTC(),
	}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParseSockets(t *testing.T) {
	const head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
	text := "self 9\n" + line("table", "tcp", head+
		"   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 735916 1 0\n"+
		"   1: 0DADC30A:B382 08080808:01BB 01 00000000:00000000 00:00000000 00000000     0        0 12 1 0\n   2: 0DADC3") +
		line("table", "udp6", head+"   0: 0000000000000000FFFF00000DADC30A:0035 00000000000000000000000000000000:0000 07 0:0 00:0 0 0 0 77 2 0\n") +
		line("holder", "21", "socket:[12]\nsocket:[x]\nsocket:[735916]\n") + "end\n"
	got, err := parseSockets([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	want := socketList{Sockets: []Socket{
		{Protocol: "tcp", Local: "127.0.0.1:8080", Remote: "0.0.0.0:0", State: "listen", UID: 1000, Inode: "735916", PID: 21},
		{Protocol: "tcp", Local: "10.195.173.13:45954", Remote: "8.8.8.8:443", State: "established", Inode: "12", PID: 21},
		{Protocol: "udp6", Local: "10.195.173.13:53", Remote: "[::]:0", State: "unconnected", Inode: "77"},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWhatIsNotWholeIsRefused(t *testing.T) {
	for _, text := range []string{"", "self 9\n", "self 9\nprocess a b c d e\nend\n", "sh: not found\nend\n", line("process", stat) + "end\n"} {
		if _, err := parseProcesses([]byte(text)); !errors.Is(err, errTorn) {
			t.Errorf("processes %q: %v", text, err)
		}
		if _, err := parseSockets([]byte(text)); !errors.Is(err, errTorn) {
			t.Errorf("sockets %q: %v", text, err)
		}
	}
}

func TestShownWordsAreBounded(t *testing.T) {
	got := shortAll([]string{strings.Repeat("\u00e9", 150), "b", strings.Repeat("c", 1<<20)})
	if len(got) != 2 || len(strings.Join(got, "")) > maxWords+10 {
		t.Errorf("%d words of %d bytes", len(got), len(strings.Join(got, "")))
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(line("boot", "btime 1700000000") + line("process", stat, "Uid: 0 0 0 0", "a\x00", "/b", "/c") + "end\n"))
	f.Add([]byte(line("table", "tcp", " 0: 0100007F:1F90 00000000:0000 0A 0 00 0 0 0 1 1") + line("holder", "1", "socket:[1]") + "end\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		processes, _ := parseProcesses(text)
		sockets, _ := parseSockets(text)
		if _, err := json.Marshal([]any{processes, sockets}); err != nil {
			t.Error(err)
		}
	})
}
