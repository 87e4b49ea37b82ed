package drift_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/firebreak-ir/firebreak/forensics/drift"
	"github.com/firebreak-ir/firebreak/forensics/ext4"
	"github.com/firebreak-ir/firebreak/forensics/overlay"
	"github.com/firebreak-ir/firebreak/forensics/volume/kerneltest"
	"github.com/firebreak-ir/firebreak/internal/labenv"
)

// node is an image with two layers of an image and a container's own, and what the kernel shows of them.
type node struct {
	layers        []overlay.Layer
	before, after map[string]kerneltest.Entry // the image's files, and those that the container saw
}

// at is the time of everything in the image's layers.
func at() time.Time { return time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC) }

// makeNode lets the kernel's overlayfs write what do changes into the upper layer.
func makeNode(t *testing.T, options string, do func(dir string) error) node {
	t.Helper()
	return makeMarked(t, options, do, func(string) error { return nil })
}

// makeMarked is makeNode with marks that the kernel does not make, and that change nothing of what it shows.
func makeMarked(t *testing.T, options string, do, mark func(dir string) error) node {
	t.Helper()
	labenv.NeedTool(t, "mkfs.ext4", "apt-get install e2fsprogs")
	image := filepath.Join(t.TempDir(), "node.img")
	kerneltest.Run(t, "mkfs.ext4", "-q", image, "32M")
	root, unmount := kerneltest.Mount(t, "ext4", image, "rw,noatime")
	fill(t, root)
	merged := mount(t, root, options, true)
	if err := do(merged.dir); err != nil {
		t.Fatal(err)
	}
	n := node{after: kerneltest.Kernel(t, merged.dir)}
	merged.unmount()
	must(t, mark(root))
	below := mount(t, root, options, false)
	n.before = kerneltest.Kernel(t, below.dir)
	below.unmount()
	unmount()
	disk := open(t, image)
	for _, l := range []string{"base", "app", "up"} {
		n.layers = append(n.layers, overlay.Layer{Tree: disk, Root: l})
	}
	return n
}

func open(t *testing.T, image string) *ext4.FS {
	t.Helper()
	f, err := os.Open(image)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	disk, err := ext4.Open(f, info.Size(), ext4.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return disk
}

// fill writes the image's layers.
func fill(t *testing.T, root string) {
	t.Helper()
	for _, name := range []string{
		"base/etc/passwd", "base/etc/shadow", "base/etc/hosts", "base/etc/conf/a", "base/etc/conf/b", "base/etc/conf/deep/c",
		"base/usr/bin/ls", "base/usr/bin/ps", "base/usr/bin/top", "base/usr/lib/x/one", "base/usr/lib/x/two",
		"base/var/log/auth.log", "base/var/log/app/1.log", "base/var/log/app/2.log", "base/srv/site/index", "base/srv/site/sub/page",
		"base/opt/old/1", "base/opt/old/2/3", "base/opt/over/1", "base/opt/over/4", "base/root/.bash_history", "base/same", "base/opt/replaced/d/passwd", "base/opt/replaced/d/x", "base/opt/replaced/e/y", "base/touched", "base/dir-to-file/x",
		"app/usr/bin/app", "app/etc/hosts", "app/srv/site/sub/other",
	} {
		must(t, os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o755))
		must(t, os.WriteFile(filepath.Join(root, name), []byte("content of "+name+"\n"), 0o644))
	}
	must(t, os.Symlink("/etc/passwd", filepath.Join(root, "base/link")))
	must(t, os.MkdirAll(filepath.Join(root, "work"), 0o700))
	must(t, os.MkdirAll(filepath.Join(root, "up"), 0o755))
	must(t, filepath.WalkDir(root, func(p string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		ts := unix.NsecToTimespec(at().UnixNano())
		return unix.UtimesNanoAt(unix.AT_FDCWD, p, []unix.Timespec{ts, ts}, unix.AT_SYMLINK_NOFOLLOW)
	}))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

type mounted struct {
	dir     string
	unmount func()
}

func mount(t *testing.T, root, options string, upper bool) mounted {
	t.Helper()
	dir, flags := t.TempDir(), uintptr(unix.MS_NOATIME)
	options += ",lowerdir=" + filepath.Join(root, "app") + ":" + filepath.Join(root, "base")
	if upper {
		options += ",upperdir=" + filepath.Join(root, "up") + ",workdir=" + filepath.Join(root, "work")
	} else {
		flags |= unix.MS_RDONLY
	}
	if err := unix.Mount("overlay", dir, "overlay", flags, options); err != nil {
		labenv.LeaveOut(t, "this machine cannot mount overlayfs with %q: %v", options, err)
	}
	return mounted{dir, func() { must(t, unmount(dir)) }}
}

// unmount waits for files that a test beside this one has open for a moment: a process that it starts holds them until it
// is another program.
func unmount(dir string) error {
	for range 100 {
		if err := unix.Unmount(dir, 0); !errors.Is(err, unix.EBUSY) {
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
	return unix.EBUSY
}

// attack is what an intruder does in a container, by the usual system calls.
func attack(d string) error {
	touch := func(p string) error { // opened for writing, nothing written
		f, err := os.OpenFile(d+p, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		return f.Close()
	}
	back := unix.NsecToTimespec(at().Add(-time.Hour).UnixNano())
	return errors.Join(
		os.WriteFile(d+"/tmp-dropper", []byte("\x7fELF dropped"), 0o755),
		os.WriteFile(d+"/etc/passwd", []byte("root::0:0::/:/bin/sh\n"), 0o644),
		os.Chmod(d+"/usr/bin/ps", 0o4755|os.ModeSetuid),
		os.Chown(d+"/usr/bin/top", 1000, 1000),
		unix.Setxattr(d+"/usr/bin/ls", "security.capability", []byte("\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"), 0),
		os.Remove(d+"/root/.bash_history"),
		os.RemoveAll(d+"/var/log/app"),
		os.RemoveAll(d+"/srv/site"),
		os.MkdirAll(d+"/srv/site/sub", 0o755),
		os.WriteFile(d+"/srv/site/index", []byte("defaced"), 0o644),
		os.WriteFile(d+"/srv/site/sub/page", []byte("content of base/srv/site/sub/page\n"), 0o644), // as it was
		os.RemoveAll(d+"/opt/replaced"),
		os.Mkdir(d+"/opt/replaced", 0o755),
		os.Symlink("../../etc", d+"/opt/replaced/d"), // which has a passwd
		os.WriteFile(d+"/opt/replaced/e", []byte("a file"), 0o644),
		os.Remove(d+"/link"),
		os.Symlink("/etc/shadow", d+"/link"),
		os.RemoveAll(d+"/dir-to-file"),
		os.WriteFile(d+"/dir-to-file", []byte("a file"), 0o644),
		os.Rename(d+"/usr/bin/app", d+"/usr/bin/.app"),
		os.Rename(d+"/etc/conf/a", d+"/etc/conf/b"), // over another
		os.MkdirAll(d+"/new/dir", 0o755),
		os.WriteFile(d+"/new/dir/a\nname \xff\u202egnp.sh", []byte("#!/bin/sh\n"), 0o755),
		unix.Mkfifo(d+"/new/pipe", 0o600),
		unix.Mknod(d+"/new/null", unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))),
		touch("/touched"),
		unix.UtimesNanoAt(unix.AT_FDCWD, d+"/etc/hosts", []unix.Timespec{back, back}, 0),
	)
}

// renames needs redirect_dir.
func renames(d string) error {
	return errors.Join(
		attack(d),
		os.Rename(d+"/opt/old", d+"/opt/moved"),
		os.WriteFile(d+"/opt/moved/new", []byte("in a renamed directory"), 0o644),
		os.WriteFile(d+"/opt/moved/1", []byte("changed in a renamed directory"), 0o644),
		os.Remove(d+"/opt/moved/2/3"),
		os.RemoveAll(d+"/opt/over"),
		os.Rename(d+"/usr/lib/x", d+"/opt/over"),
		os.Chmod(d+"/etc/shadow", 0o666),
		os.Rename(d+"/etc/shadow", d+"/etc/shadow-"),
	)
}

// compare lists the changes of a layer.
func compare(t testing.TB, layers []overlay.Layer, opts drift.Options) ([]drift.Change, drift.Summary) {
	t.Helper()
	var all []drift.Change
	sum, err := drift.Compare(t.Context(), layers, opts, func(ch drift.Change) error {
		all = append(all, ch)
		return nil
	})
	must(t, err)
	return all, sum
}

// TestAsTheKernel holds every path of the image and of the container against the changes: each that differs is told with
// its verdict and both hashes, and nothing else is.
func TestAsTheKernel(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		options string
		do      func(string) error
		paths   int
	}{
		"as runtimes mount":       {"redirect_dir=off,metacopy=off", attack, 25},
		"redirect and metacopy":   {"redirect_dir=on,metacopy=on", renames, 35},
		"redirect and whole copy": {"redirect_dir=on,metacopy=off", renames, 35},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := makeMarked(t, test.options, test.do, func(root string) error {
				return unix.Setxattr(root+"/up/srv/site/sub", "trusted.overlay.opaque", []byte("y"), 0) // in a directory that is opaque itself
			})
			changes, sum := compare(t, n.layers, drift.Options{})
			got := map[string]drift.Change{}
			for _, ch := range changes {
				if _, twice := got[ch.Path]; twice {
					t.Errorf("%q is told twice", ch.Path)
				}
				got[ch.Path] = ch
				if ch.Problem != "" {
					t.Errorf("%q: %s", ch.Path, ch.Problem)
				}
				opens(t, ch)
			}
			n.check(t, got)
			if len(changes) < test.paths || sum.Touched == 0 {
				t.Errorf("%d changes, %+v", len(changes), sum)
			}
		})
	}
}

// opens reads the new file of a change: its bytes may be another layer's.
func opens(t *testing.T, ch drift.Change) {
	t.Helper()
	f, err := ch.Open()
	if regular := ch.New != nil && ch.New.Type == "file"; (err == nil) != regular {
		t.Errorf("%q: %v", ch.Path, err)
	}
	if err != nil {
		return
	}
	defer func() { _ = f.Close() }()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil || hex.EncodeToString(h.Sum(nil)) != ch.New.SHA256 {
		t.Errorf("%q: %v, other bytes than were hashed", ch.Path, err)
	}
}

// check wants of each path what the kernel's two views say.
func (n node) check(t *testing.T, got map[string]drift.Change) {
	t.Helper()
	for _, p := range keys(n.before, n.after) {
		was, had := n.before[p]
		is, has := n.after[p]
		shown := "/" + strings.TrimPrefix(p, ".")
		ch, told := got[shown]
		delete(got, shown)
		if from := strings.TrimPrefix(ch.From, "/"); told && !had && ch.Verdict != drift.Renamed && from != "" { // in a renamed directory
			was, had = n.before[from]
		}
		switch {
		case had && !has:
			if ch.Verdict != drift.Deleted && ch.Verdict != drift.Hidden || ch.Old.SHA256 != was.SHA256 {
				t.Errorf("%q is gone, and told as %+v", shown, ch)
			}
		case !told:
			if !same(was, is) && !n.movedWith(got, p, is) {
				t.Errorf("%q is not told: %+v, %+v", shown, was, is)
			}
		case ch.New == nil || ch.New.SHA256 != is.SHA256 && ch.Verdict != drift.Deleted:
			t.Errorf("%q: %+v, the kernel says %+v", shown, ch, is)
		case !had:
			if ch.Verdict != drift.Added && ch.Verdict != drift.Renamed {
				t.Errorf("%q is new, and told as %+v", shown, ch)
			}
		case ch.Verdict == drift.Mode:
			if was.SHA256 != is.SHA256 || same(was, is) {
				t.Errorf("%q: %+v", shown, ch)
			}
		case ch.Verdict == drift.Modified:
			if ch.Old.SHA256 != was.SHA256 || was.SHA256 == is.SHA256 && was.Target == is.Target && was.Stat.Mode == is.Stat.Mode {
				t.Errorf("%q: %+v", shown, ch)
			}
		case ch.Verdict != drift.Renamed:
			t.Errorf("%q is there before and after, and told as %+v", shown, ch)
		}
	}
	for p, ch := range got {
		if was := n.before[strings.TrimPrefix(ch.From, "/")]; ch.Verdict == drift.Deleted && ch.From != "" && ch.Old.SHA256 == was.SHA256 { // in a renamed directory
			continue
		}
		t.Errorf("%q is told, and not there: %+v", p, ch)
	}
}

// movedWith tells whether a path came along with a directory that was renamed, unchanged.
func (n node) movedWith(got map[string]drift.Change, p string, is kerneltest.Entry) bool {
	for dir := filepath.Dir(p); dir != "."; dir = filepath.Dir(dir) {
		for _, from := range []string{"opt/old", "usr/lib/x"} {
			if was, ok := n.before[from+strings.TrimPrefix(p, dir)]; ok && same(was, is) && (dir == "opt/moved" || dir == "opt/over") {
				return true
			}
		}
	}
	return false
}

// same tells whether two entries are no drift.
func same(a, b kerneltest.Entry) bool {
	if a.Stat.Mode&0xF000 != 0x4000 && !a.Stat.Modified.Equal(b.Stat.Modified) {
		return false
	}
	for k, v := range a.Xattrs {
		if b.Xattrs[k] != v {
			return false
		}
	}
	return len(a.Xattrs) == len(b.Xattrs) && a.SHA256 == b.SHA256 && a.Target == b.Target && a.Stat.Mode == b.Stat.Mode && a.Stat.UID == b.Stat.UID && a.Stat.GID == b.Stat.GID
}

func keys(all ...map[string]kerneltest.Entry) []string {
	seen := map[string]bool{}
	var out []string
	for _, m := range all {
		for p := range m {
			if !seen[p] {
				seen[p] = true
				out = append(out, p)
			}
		}
	}
	return out
}
