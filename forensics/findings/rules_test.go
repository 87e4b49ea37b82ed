package findings_test

import (
	"bytes"
	"flag"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/forensics/drift"
	"github.com/firebreak-ir/firebreak/forensics/findings"
	"github.com/firebreak-ir/firebreak/forensics/volume"
)

var update = flag.Bool("update", false, "write the documentation anew")

// tree holds one file.
type tree struct {
	volume.Tree
	content []byte
	failing error
}

type file struct {
	fs.File
	*bytes.Reader
}

func (f file) Read(p []byte) (int, error) { return f.Reader.Read(p) }

func (t tree) OpenFound(fs.FileInfo) (fs.File, error) {
	if t.failing != nil {
		return nil, t.failing
	}
	f, err := fstest.MapFS{"f": {Data: t.content}}.Open("f")
	return file{f, bytes.NewReader(t.content)}, err
}

// subject makes a change with a new file.
func subject(place findings.Place, v drift.Verdict, path, mode, content string) findings.Subject {
	info, _ := fs.Stat(fstest.MapFS{"f": {Data: []byte(content)}}, "f")
	s := findings.Subject{Place: place}
	s.Verdict, s.Path, s.Disk = v, path, "disk"+path
	s.New = &drift.State{Type: "file", Mode: mode, Size: int64(len(content)), SHA256: "aa"}
	s.Tree, s.Info = tree{content: []byte(content)}, info
	return s
}

func gone(place findings.Place, path string) findings.Subject {
	s := findings.Subject{Place: place}
	s.Verdict, s.Path, s.By, s.Old = drift.Deleted, path, path, &drift.State{Type: "file", Mode: "0644"}
	return s
}

// with changes a subject.
func with(s findings.Subject, change func(*findings.Subject)) findings.Subject {
	change(&s)
	return s
}

const elf = "\x7fELF\x02\x01\x01"

// TestRules tries each rule on what it is for, and on what is like it.
func TestRules(t *testing.T) {
	old := &drift.State{Type: "file", Mode: "0755", SHA256: "bb"}
	added := func(place findings.Place, path, mode, content string) findings.Subject {
		return subject(place, drift.Added, path, mode, content)
	}
	c, n := findings.Container, findings.Node
	tests := []struct {
		name string
		s    findings.Subject
		want string // the rules, in their order
	}{
		{"miner by name", added(c, "/tmp/.xmrig-6.2", "0755", elf), "miner elf hidden-program"},
		{"no miner", added(c, "/tmp/xmrigger.txt", "0644", "text"), "file-written"},
		{"miner by pool", added(c, "/etc/c.json", "0644", `{"url": "STRATUM+TCP://x"}`), "miner"},
		{"miner in wide text", added(c, "/x", "0644", "n\x00a\x00n\x00o\x00p\x00o\x00o\x00l\x00.\x00o\x00r\x00g\x00"), "miner"},
		{"setuid", added(c, "/bin/x", "4755", elf), "setuid"},
		{"setgid script", added(c, "/bin/x", "2755", "#!/bin/sh"), "setuid"},
		{"setuid gained", with(subject(c, drift.Mode, "/bin/x", "4755", elf), func(s *findings.Subject) { s.Old, s.Differs = old, []string{"mode"} }), "setuid"},
		{"setuid as before", with(subject(c, drift.Mode, "/bin/x", "4755", elf), func(s *findings.Subject) {
			s.Old, s.Differs = &drift.State{Type: "file", Mode: "4755"}, []string{"owner"}
		}), "mode-changed"},
		{"capability", with(subject(c, drift.Mode, "/bin/x", "0755", elf), func(s *findings.Subject) { s.Old, s.New.Capability = old, "0100" }), "capability"},
		{"program", added(c, "/usr/bin/x", "0644", elf), "elf"},
		{"program on the node", added(n, "/usr/bin/x", "0755", elf), "elf"},
		{"program in emptyDir", added(findings.EmptyDir, "/x", "0755", elf), "emptydir-program"},
		{"text in emptyDir", added(findings.EmptyDir, "/x", "0644", "text"), ""},
		{"script", added(c, "/x.sh", "0644", "#!/bin/sh"), "script"},
		{"executable", added(c, "/x", "0755", "text"), "script"},
		{"made executable", with(subject(c, drift.Mode, "/x", "0755", "text"), func(s *findings.Subject) {
			s.Old, s.Differs = &drift.State{Type: "file", Mode: "0644"}, []string{"mode"}
		}), "made-executable"},
		{"plain file", added(c, "/x", "0644", "text"), "file-written"},
		{"plain file of the node", added(n, "/x", "0644", "text"), ""},
		{"mount point", added(c, "/etc/hosts", "0644", ""), ""},
		{"deleted", gone(c, "/bin/x"), "file-deleted"},
		{"preload", added(c, "/etc/ld.so.preload", "0644", "/x.so"), "preload"},
		{"linker", added(c, "/etc/ld.so.conf.d/x.conf", "0644", "/x"), "linker"},
		{"keys", added(n, "/root/.ssh/authorized_keys", "0600", "ssh-ed25519"), "authorized-keys"},
		{"keys by link", with(added(n, "/root/.ssh/authorized_keys", "0777", ""), func(s *findings.Subject) { s.New.Type = "link" }), "authorized-keys"},
		{"accounts", subject(c, drift.Modified, "/etc/passwd", "0644", "root"), "accounts"},
		{"sudo", added(n, "/etc/sudoers.d/x", "0440", "all"), "accounts"},
		{"cron", added(n, "/etc/cron.d/x", "0644", "* * * * *"), "cron"},
		{"crontab", added(c, "/var/spool/cron/crontabs/root", "0600", "* * * * *"), "cron"},
		{"timer", added(n, "/etc/systemd/system/x.timer", "0644", ""), "cron"},
		{"no cron", added(c, "/usr/share/cron.d", "0644", "text"), "file-written"},
		{"unit", added(n, "/etc/systemd/system/x.service", "0644", "[Service]"), "systemd"},
		{"login", added(c, "/root/.bashrc", "0644", "text"), "login-script"},
		{"module", added(n, "/lib/modules/6.1/extra/x.ko.xz", "0644", "xz"), "kernel-module"},
		{"static pod", added(n, "/etc/kubernetes/manifests/x.yaml", "0600", "kind: Pod"), "static-pod"},
		{"static pod in a hostPath", added(findings.HostPath, "/etc/kubernetes/manifests/x.yaml", "0600", "kind: Pod"), "static-pod"},
		{"no static pod", added(c, "/etc/kubernetes/manifests/x.yaml", "0600", "kind: Pod"), "file-written"},
		{"kubelet", subject(n, drift.Modified, "/var/lib/kubelet/config.yaml", "0600", "x"), "kubelet"},
		{"cni", added(n, "/etc/cni/net.d/00-x.conf", "0600", "{}"), "cni"},
		{"runtime", added(n, "/etc/containerd/config.toml", "0600", "x"), "runtime"},
		{"kubeconfig", added(c, "/root/.kube/config", "0600", "x"), "kubeconfig"},
		{"log", gone(c, "/var/log/auth.log"), "log-deleted"},
		{"history gone", gone(c, "/root/.bash_history"), "history-deleted"},
		{"history", added(c, "/root/.ash_history", "0600", "id"), "history"},
		{"bidi", added(c, "/x\u202egnp.txt", "0644", "x"), "deceiving-name"},
		{"control", added(c, "/x\x1b[2J", "0644", "x"), "deceiving-name"},
		{"dots", with(added(c, "/tmp/...", "0755", ""), func(s *findings.Subject) { s.New.Type = "dir" }), "deceiving-name"},
		{"other script", added(c, "/данные", "0644", "x"), "file-written"},
		{"picture", added(c, "/x.png", "0644", elf), "elf disguised-program"},
		{"two endings", added(c, "/x.pdf.sh", "0755", "x"), "script disguised-program"},
		{"time set", with(subject(c, drift.Mode, "/x", "0644", "x"), func(s *findings.Subject) {
			s.Old, s.Differs = &drift.State{Type: "file", Mode: "0644", Modified: time.Unix(2000, 0)}, []string{"time"}
			s.New.Modified = time.Unix(1000, 0)
		}), "time-set-back"},
		{"device", with(added(c, "/x", "0600", ""), func(s *findings.Subject) { s.New.Type, s.New.Device, s.Info = "device", "8:0", nil }), "device"},
		{"whiteout of an orphan", with(added(findings.Orphan, "/var/log/x", "0000", ""), func(s *findings.Subject) { s.New.Type, s.New.Device, s.Info = "device", "0:0", nil }), "log-deleted"},
		{"device in dev", with(added(c, "/dev/x", "0600", ""), func(s *findings.Subject) { s.New.Type, s.New.Device, s.Info = "device", "8:0", nil }), ""},
	}
	judge, err := findings.NewJudge(findings.Options{})
	if err != nil {
		t.Fatal(err)
	}
	tried := map[string]bool{}
	for _, test := range tests {
		v, err := judge.Look(t.Context(), test.s)
		if err != nil || v.Unread != "" {
			t.Errorf("%s: %v %q", test.name, err, v.Unread)
		}
		var got []string
		for _, f := range v.Findings {
			got, tried[f.Rule] = append(got, f.Rule), true
			if f.ID == "" || f.Title == "" || !strings.HasPrefix(f.Sentence, f.Title) || strings.ContainsAny(f.Sentence, "\n\x1b\u202e") {
				t.Errorf("%s: %+v", test.name, f)
			}
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%s: %q, not %q", test.name, got, test.want)
		}
	}
	for _, r := range findings.Rules() {
		if !tried[r.ID] {
			t.Errorf("no case tries the rule %q", r.ID)
		}
	}
}

// TestIDs are the same for the same finding, and differ where anything of it does.
func TestIDs(t *testing.T) {
	judge, err := findings.NewJudge(findings.Options{})
	if err != nil {
		t.Fatal(err)
	}
	id := func(s findings.Subject) string {
		v, err := judge.Look(t.Context(), s)
		if err != nil || len(v.Findings) != 1 {
			t.Fatal(err, v)
		}
		return v.Findings[0].ID
	}
	first := subject(findings.Container, drift.Added, "/bin/x", "0755", elf)
	if id(first) != id(subject(findings.Container, drift.Added, "/bin/x", "0755", elf)) {
		t.Error("the same finding has two ids")
	}
	for _, s := range []findings.Subject{
		with(first, func(s *findings.Subject) { s.Disk = "other" }),
		with(first, func(s *findings.Subject) { s.Partition = 2 }),
		with(first, func(s *findings.Subject) { s.Path = "/bin/y" }),
		subject(findings.Container, drift.Added, "/bin/x", "0755", "#!/bin/sh"),
	} {
		if id(s) == id(first) {
			t.Errorf("%+v has the same id", s)
		}
	}
}

// TestUnread says what was not looked at.
func TestUnread(t *testing.T) {
	judge, err := findings.NewJudge(findings.Options{MaxSearched: 10})
	if err != nil {
		t.Fatal(err)
	}
	large := subject(findings.Container, drift.Added, "/x", "0644", "eleven bytes")
	damaged := with(large, func(s *findings.Subject) { s.Tree = tree{failing: fs.ErrInvalid} })
	for want, s := range map[string]findings.Subject{"12 bytes are more than the limit of 10": large, fs.ErrInvalid.Error(): damaged} {
		v, err := judge.Look(t.Context(), s)
		if err != nil || !strings.Contains(v.Unread, want) || len(v.Findings) != 1 {
			t.Errorf("%v %+v", err, v)
		}
	}
}

// TestUnpacked does not judge an image's files in a layer that no container owns.
func TestUnpacked(t *testing.T) {
	made := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	judge, err := findings.NewJudge(findings.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name              string
		modified, changed time.Duration // after the layer was made
		excused           bool
	}{
		{"unpacked", -time.Hour, time.Minute, true},
		{"written", time.Minute, time.Minute, false},
		{"set back", -time.Hour, time.Hour, false},
		{"before its layer", -time.Hour, -time.Minute, false},
	} {
		s := subject(findings.Orphan, drift.Added, "/bin/x", "0755", elf)
		s.New.Modified, s.New.Changed = made.Add(test.modified), made.Add(test.changed)
		s.Age = &findings.LayerAge{Created: made}
		v, err := judge.Look(t.Context(), s)
		if err != nil || (v.Excuse != "") != test.excused || (len(v.Findings) == 0) != test.excused {
			t.Errorf("%s: %v %+v", test.name, err, v)
		}
	}
	s := gone(findings.Orphan, "/bin/x")
	s.Age = &findings.LayerAge{Removed: true}
	if v, err := judge.Look(t.Context(), s); err != nil || v.Excuse != findings.AsRemoved {
		t.Errorf("%v %+v", err, v)
	}
}

// TestDocumentation holds the documentation against the table.
func TestDocumentation(t *testing.T) {
	const page = "../../docs/findings.md"
	if *update {
		if err := os.WriteFile(page, []byte(findings.Markdown()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(findings.Markdown(), string(got)); diff != "" {
		t.Errorf("go test ./forensics/findings -update writes it anew: -table +page\n%s", diff)
	}
	ids := []string{}
	for _, r := range findings.Rules() {
		if slices.Contains(ids, r.ID) || r.Why == "" || len(r.Places) == 0 {
			t.Errorf("%+v", r)
		}
		ids = append(ids, r.ID)
	}
}
