package changed_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/forensics/changed"
	"github.com/firebreak-ir/firebreak/forensics/ext4"
	"github.com/firebreak-ir/firebreak/internal/labenv"
)

func run(t testing.TB, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

// mounted is an image that the kernel has mounted.
type mounted struct {
	t     testing.TB
	image string
	dir   string
}

// mount lets the kernel mount a new file system, for as long as the test takes.
func mount(t testing.TB, options ...string) mounted {
	t.Helper()
	labenv.NeedTool(t, "mkfs.ext4", "apt-get install e2fsprogs")
	dir := t.TempDir()
	m := mounted{t: t, image: filepath.Join(dir, "image"), dir: filepath.Join(dir, "mnt")}
	run(t, "mkfs.ext4", append(append([]string{"-q", "-F"}, options...), m.image, "48M")...)
	if err := os.Mkdir(m.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mount", "-o", "loop", m.image, m.dir).CombinedOutput(); err != nil {
		labenv.LeaveOut(t, "no loop mounts here: %s", out)
	}
	t.Cleanup(func() { run(t, "umount", m.dir) })
	return m
}

func (m mounted) write(name string, b []byte) {
	m.t.Helper()
	at := filepath.Join(m.dir, name)
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		m.t.Fatal(err)
	}
	f, err := os.Create(at)
	if err != nil {
		m.t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(b); err != nil {
		m.t.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		m.t.Fatal(err)
	}
}

// patch writes over a part of a file.
func (m mounted) patch(name, text string, at int64) {
	m.t.Helper()
	f, err := os.OpenFile(filepath.Join(m.dir, name), os.O_WRONLY, 0)
	if err != nil {
		m.t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte(text), at); err != nil {
		m.t.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		m.t.Fatal(err)
	}
}

// copied gives the image as it is at this moment, never unmounted: what the journal alone has is in no other place.
func (m mounted) copied() []byte {
	m.t.Helper()
	b, err := os.ReadFile(m.image)
	if err != nil {
		m.t.Fatal(err)
	}
	return b
}

func open(t testing.TB, b []byte) changed.Side {
	t.Helper()
	disk, err := ext4.Open(bytes.NewReader(b), int64(len(b)), ext4.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return changed.Side{FS: disk, Size: int64(len(b))}
}

// fill writes what all tests begin with.
func (m mounted) fill() {
	m.t.Helper()
	layer := "var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/7/fs/"
	m.write(layer+"app", bytes.Repeat([]byte("app."), 20_000))
	m.write(layer+"log", bytes.Repeat([]byte("line\n"), 3000))
	m.write("etc/passwd", []byte("root:x:0:0\n"))
	m.write("etc/shadow", []byte("root:*\n"))
	m.write("tmp/gone", bytes.Repeat([]byte("gone"), 5000))
	m.write("tmp/moved", []byte("moved\n"))
	m.write("quiet", bytes.Repeat([]byte("quiet"), 5000))
	run(m.t, "sync", "-f", m.dir)
}

const layer = "var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/7/fs/"

// change does one thing of each kind.
func (m mounted) change() {
	m.t.Helper()
	m.patch(layer+"app", "patched", 40_000)
	m.write(layer+"dropped", bytes.Repeat([]byte("\x7fELF"), 3000))
	for _, do := range []func() error{
		func() error { return os.Chmod(filepath.Join(m.dir, "etc/shadow"), 0o4755) },
		func() error { return os.Remove(filepath.Join(m.dir, "tmp/gone")) },
		func() error { return os.Rename(filepath.Join(m.dir, "tmp/moved"), filepath.Join(m.dir, "etc/moved")) },
		func() error { return os.Mkdir(filepath.Join(m.dir, "new"), 0o755) },
	} {
		if err := do(); err != nil {
			m.t.Fatal(err)
		}
	}
	m.write("new/last", []byte("fsync of the last thing commits all of the above\n"))
}

func owner(path string) string {
	if strings.HasPrefix(path, layer) {
		return "web"
	}
	return ""
}

// told is what a report says of each path.
func told(r changed.Report) map[string]string {
	out := map[string]string{}
	for _, f := range r.Files {
		name := "(none)"
		if len(f.Paths) > 0 {
			name = f.Paths[0]
		}
		text := fmt.Sprintf("%s %s", f.Type, f.Change)
		if len(f.OldPaths) > 0 {
			text += " from " + strings.Join(f.OldPaths, ",")
		}
		if f.Container != "" {
			text += " in " + f.Container
		}
		for _, p := range f.Content {
			if f.Type == "file" {
				text += fmt.Sprintf(" [%d+%d]", p.Offset, p.Length)
			}
		}
		out[name] = text
	}
	return out
}

func want() map[string]string {
	return map[string]string{
		layer + "app":                  "file modified in web [36864+4096]",
		layer + "dropped":              "file added in web [0+12000]",
		strings.TrimSuffix(layer, "/"): "directory modified",
		"etc":                          "directory modified",
		"etc/shadow":                   "file modified",
		"etc/moved":                    "file modified from tmp/moved",
		"tmp":                          "directory modified",
		"tmp/gone":                     "file deleted",
		"new":                          "directory added",
		"new/last":                     "file added [0+49]",
		".":                            "directory modified",
	}
}

// TestMap maps what changed between two snapshots of a file system in use: the second one's metadata stands in the journal
// alone. Where it says nothing of a file, the kernel changed nothing of it.
func TestMap(t *testing.T) {
	for name, options := range map[string][]string{
		"4096": {"-b", "4096"}, "1024": {"-b", "1024"}, "inline": {"-b", "4096", "-O", "inline_data", "-I", "512"}, "pointers": {"-b", "1024", "-O", "^extents,^64bit"},
	} {
		t.Run(name, func(t *testing.T) {
			m := mount(t, options...)
			m.fill()
			before := m.copied()
			m.change()
			after := m.copied()
			report, err := changed.Map(t.Context(), changed.Input{Before: open(t, before), After: open(t, after), Owner: owner}, changed.Options{})
			if err != nil {
				t.Fatal(err)
			}
			expected := want()
			if name == "1024" || name == "pointers" {
				expected[layer+"app"] = "file modified in web [39936+1024]"
			}
			if name == "inline" {
				expected["new/last"] = "file added"
			}
			if diff := cmp.Diff(expected, told(report)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if len(report.Problems) > 0 || report.Bytes == 0 {
				t.Errorf("%d bytes, problems %q", report.Bytes, report.Problems)
			}
			if kinds := fmt.Sprint(report.Areas); !strings.Contains(kinds, "journal") || !strings.Contains(kinds, "inode table") {
				t.Errorf("areas %s", kinds)
			}
			same(t, m, report, before, after)
		})
	}
}

// same proves that the report is the same bytes whatever the ranges are called, as long as they cover what differs.
func same(t *testing.T, m mounted, whole changed.Report, before, after []byte) {
	t.Helper()
	var ranges []changed.Stretch
	for at := 0; at < len(before); at += 512 << 10 { // as EBS tells it
		if !bytes.Equal(before[at:at+512<<10], after[at:at+512<<10]) {
			ranges = append(ranges, changed.Stretch{Offset: int64(at), Length: 512 << 10})
		}
	}
	part, err := changed.Map(t.Context(), changed.Input{Before: open(t, before), After: open(t, after), Ranges: ranges, Owner: owner}, changed.Options{})
	if err != nil {
		t.Fatal(err)
	}
	a, _ := json.Marshal(whole)
	b, _ := json.Marshal(part)
	if !bytes.Equal(a, b) {
		t.Errorf("%d ranges give another report (-whole +ranges):\n%s", len(ranges), cmp.Diff(whole, part))
	}
}

// TestNothingChanged finds no difference between a disk and itself.
func TestNothingChanged(t *testing.T) {
	m := mount(t)
	m.fill()
	b := m.copied()
	report, err := changed.Map(t.Context(), changed.Input{Before: open(t, b), After: open(t, b)}, changed.Options{})
	if err != nil || len(report.Files) != 0 || report.Bytes != 0 || len(report.Areas) != 0 || report.Unallocated.Bytes != 0 {
		t.Errorf("%+v, %v", report, err)
	}
}

// unreadable fails where a block of a snapshot stays corrupt.
type unreadable struct {
	io.ReaderAt
	from, to int64
}

func (u unreadable) ReadAt(p []byte, off int64) (int, error) {
	if off < u.to && off+int64(len(p)) > u.from {
		return 0, fmt.Errorf("bytes %d to %d are corrupt", u.from, u.to)
	}
	return u.ReaderAt.ReadAt(p, off)
}

// TestUnreadable names what cannot be compared, and compares the rest.
func TestUnreadable(t *testing.T) {
	m := mount(t, "-b", "4096")
	m.fill()
	before := m.copied()
	m.change()
	after := m.copied()
	at := int64(bytes.Index(after, []byte("quietquiet")))
	disk, err := ext4.Open(unreadable{bytes.NewReader(after), at, at + 4096}, int64(len(after)), ext4.Options{})
	if err != nil {
		t.Fatal(err)
	}
	report, err := changed.Map(t.Context(), changed.Input{Before: open(t, before), After: changed.Side{FS: disk, Size: int64(len(after))}, Owner: owner}, changed.Options{})
	if err != nil {
		t.Fatal(err)
	}
	expected := want()
	expected["quiet"] = "file modified [0+4096]" // nobody can say that it is not
	if diff := cmp.Diff(expected, told(report)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(report.Problems) == 0 || !strings.Contains(report.Problems[0], fmt.Sprintf("after, byte %d", at)) {
		t.Errorf("problems %q", report.Problems)
	}
}
