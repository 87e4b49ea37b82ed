package findings_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/firebreak-ir/firebreak/forensics/containers"
	"github.com/firebreak-ir/firebreak/forensics/drift"
	"github.com/firebreak-ir/firebreak/forensics/ext4"
	"github.com/firebreak-ir/firebreak/forensics/findings"
	"github.com/firebreak-ir/firebreak/forensics/volume/kerneltest"
	"github.com/firebreak-ir/firebreak/internal/labenv"
)

// attacked is the disk of a node: a container whose layer the kernel's overlayfs wrote, a layer that nobody owns, an
// emptyDir, a hostPath and the node's own files, old ones and new.
func attacked(t *testing.T) *ext4.FS {
	t.Helper()
	labenv.NeedTool(t, "mkfs.ext4", "apt-get install e2fsprogs")
	image := filepath.Join(t.TempDir(), "node.img")
	kerneltest.Run(t, "mkfs.ext4", "-q", image, "32M")
	root, unmount := kerneltest.Mount(t, "ext4", image, "rw,noatime")
	put := func(mode os.FileMode, content string, names ...string) {
		for _, name := range names {
			name = filepath.Join(root, name)
			must(t, errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(content), 0o600), os.Chmod(name, mode)))
		}
	}
	put(0o644, "as in the image", "lower/etc/passwd", "lower/var/log/auth.log", "lower/root/.bash_history", "lower/usr/bin/tool", "lower/srv/page")
	put(0o755, elf+" tool", "lower/usr/bin/sudo")
	must(t, errors.Join(os.Mkdir(root+"/up", 0o755), os.Mkdir(root+"/work", 0o700), os.Mkdir(root+"/merged", 0o755)))
	merged := t.TempDir()
	options := "redirect_dir=on,metacopy=on,lowerdir=" + root + "/lower,upperdir=" + root + "/up,workdir=" + root + "/work"
	if err := unix.Mount("overlay", merged, "overlay", unix.MS_NOATIME, options); err != nil {
		labenv.LeaveOut(t, "this machine cannot mount overlayfs: %v", err)
	}
	inside := func(mode os.FileMode, content, name string) {
		must(t, errors.Join(os.WriteFile(merged+name, []byte(content), 0o600), os.Chmod(merged+name, mode)))
	}
	inside(0o755, elf+" xmr.nanopool.org:14444 ", "/usr/bin/kworker")
	inside(0o755|os.ModeSetuid, elf+" shell", "/srv/.sh")
	inside(0o644, "root::0:0", "/etc/passwd")
	inside(0o755, "#!/bin/sh\n", "/srv/bill\u202egnp.sh")
	must(t, errors.Join(
		os.Remove(merged+"/var/log/auth.log"), os.Remove(merged+"/root/.bash_history"), os.Symlink("/dev/null", merged+"/root/.bash_history"),
		os.Chmod(merged+"/usr/bin/sudo", 0o4755|os.ModeSetuid), unix.Mknod(merged+"/srv/disk", unix.S_IFBLK|0o600, int(unix.Mkdev(8, 0))),
	))
	for busy := 0; ; busy++ { // a process that a test beside this one starts holds files until it is another program
		if err := unix.Unmount(merged, 0); !errors.Is(err, unix.EBUSY) || busy == 100 {
			must(t, err)
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	put(0o755, elf, "orphan/fs/bin/dropped", "pods/1/emptydir/.x/tool", "data/host/run", "usr/local/bin/agent")
	put(0o755, elf, "orphan/fs/bin/of-an-image")
	image2020 := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	must(t, os.Chtimes(root+"/orphan/fs/bin/of-an-image", image2020, image2020))
	must(t, unix.Mknod(root+"/orphan/fs/gone", unix.S_IFCHR, 0))
	put(0o600, "text", "pods/1/emptydir/cache", "etc/kubernetes/manifests/x.yaml", "root/.ssh/authorized_keys", "etc/cron.d/old")
	unmount()
	f, err := os.Open(image)
	must(t, err)
	t.Cleanup(func() { f.Close() })
	disk, err := ext4.Open(f, 32<<20, ext4.Options{})
	must(t, err)
	return disk
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func search(t *testing.T, disk *ext4.FS) findings.Search {
	t.Helper()
	judge, err := findings.NewJudge(findings.Options{})
	must(t, err)
	pod := containers.Pod{UID: "u1", Name: "web-0", Namespace: "shop", ServiceAccount: "web", Node: "node-1", Volumes: []containers.Volume{
		{Plugin: "kubernetes.io/empty-dir", Name: "cache", Path: "pods/1/emptydir"}, {Plugin: "kubernetes.io/secret", Name: "s", Path: "pods/1/secret"},
	}}
	return findings.Search{
		Disk: disk, Partition: 1, Judge: judge, Orphans: true, Since: time.Now().Add(-time.Hour),
		Listing: containers.Listing{
			Node: "node-1", Pods: []containers.Pod{pod}, Leftovers: []containers.Leftover{{Path: "orphan", What: "layer"}, {Path: "lost", What: "layer"}},
			Containers: []containers.Container{
				{ID: "0123456789abcdef", Name: "web", Runtime: "containerd", Pod: "web-0", PodNamespace: "shop", PodUID: "u1", ServiceAccount: "web", Node: "node-1", Layer: "up", Layers: []string{"lower", "up"}},
				{ID: "missing", Layer: "nowhere", Layers: []string{"lower", "nowhere"}}, {ID: "only a log"},
			},
		},
		HostPaths: []findings.Mount{{Path: "data/host", Of: &drift.Attribution{Pod: "web-0", Namespace: "shop", Volume: "host"}}},
	}
}

// TestSearch holds the findings of a whole node against a file.
func TestSearch(t *testing.T) {
	t.Parallel()
	var all []findings.Finding
	report, err := search(t, attacked(t)).Run(t.Context(), func(s findings.Subject, j findings.Judgement) error {
		for _, f := range j.Findings {
			if f.At.IsZero() {
				t.Errorf("nothing says when: %+v", f)
			}
			f.Sentence = strings.Replace(f.Sentence, f.At.UTC().Format(" at 2006-01-02 15:04:05.000 UTC"), " at TIME", 1)
			f.At = time.Time{}
			all = append(all, f)
		}
		return nil
	})
	must(t, err)
	raw, err := json.MarshalIndent(all, "", "  ")
	must(t, err)
	raw = append(raw, '\n')
	const golden = "testdata/findings.json"
	if *update {
		must(t, errors.Join(os.MkdirAll("testdata", 0o755), os.WriteFile(golden, raw, 0o600)))
	}
	want, err := os.ReadFile(golden)
	must(t, err)
	if diff := cmp.Diff(string(want), string(raw)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	problems := strings.Join(report.Problems, "\n")
	if report.Containers != 2 || report.Volumes != 3 || len(report.Problems) != 2 || !strings.Contains(problems, `container "missing"`) || !strings.Contains(problems, `layer "lost/fs"`) {
		t.Errorf("%+v", report)
	}
}

// TestSince looks at none of the node's files that changed before, nor at all where no time is given.
func TestSince(t *testing.T) {
	t.Parallel()
	disk := attacked(t)
	for _, since := range []time.Time{{}, time.Now().Add(time.Hour)} {
		s := search(t, disk)
		s.Since = since
		_, err := s.Run(t.Context(), func(s findings.Subject, _ findings.Judgement) error {
			if s.Place == findings.Node {
				t.Errorf("since %s: %q", since, s.Path)
			}
			return nil
		})
		must(t, err)
	}
}

// TestSearchEnds with what its receiver returns.
func TestSearchEnds(t *testing.T) {
	t.Parallel()
	stop, calls := errors.New("stop"), 0
	_, err := search(t, attacked(t)).Run(t.Context(), func(findings.Subject, findings.Judgement) error {
		calls++
		return stop
	})
	if !errors.Is(err, stop) || calls != 1 {
		t.Errorf("%v after %d calls", err, calls)
	}
}

// TestTampered tells of each difference of a layer.
func TestTampered(t *testing.T) {
	got := findings.Tampered(2, containers.Check{Image: "example.org/web:1", Layer: "l/1/fs", Differences: []containers.Difference{
		{Path: "bin/sh", What: "changed", Field: "sha256", Want: "aa", Got: "bb"}, {Path: "bin/\x1b", What: "added"},
	}})
	if len(got) != 2 || got[0].SHA256 != "bb" || got[0].Was != "aa" || got[0].ID == got[1].ID || got[0].Severity != findings.Critical ||
		got[1].Sentence != `A layer of an image is not what its digest says: "bin/\x1b" of image "example.org/web:1"; it is added` {
		t.Errorf("%+v", got)
	}
}
