package ext4_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/firebreak-ir/firebreak/forensics/ext4"
	"github.com/firebreak-ir/firebreak/forensics/volume/kerneltest"
)

// TestFastCommits compares what the kernel wrote as fast commits with what it recovers from them.
func TestFastCommits(t *testing.T) {
	for name, options := range map[string]string{"4k": "-b 4096", "1k": "-b 1024", "inline": "-O inline_data", "no sums": "-O ^metadata_csum", "128 byte inode": "-I 128"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			image := blankImage(t, "64M", append([]string{"-O", "fast_commit"}, strings.Fields(options)...)...)
			dir, unmount := kerneltest.Mount(t, "ext4", image, "rw")
			before(t, dir)
			changes(t, dir)
			copied := kerneltest.CrashCopy(t, image)
			unmount()
			disk := openImage(t, copied, ext4.Options{})
			if r := disk.Replayed(); r.FastCommits == 0 {
				t.Fatalf("no fast commits: the test shows nothing: %+v", r)
			}
			t.Log(disk.Replayed())
			kerneltest.CompareWith(t, disk, kerneltest.Recovered(t, "ext4", copied, ""), kerneltest.Options{Forget: recoveredTimes})
			if d := disk.Damage(); len(d) != 0 {
				t.Errorf("damage in a sound image: %v", d)
			}
		})
	}
}

// recoveredTimes blanks what the kernel sets to the time of recovery: of directories in which it does again what fast
// commits say.
func recoveredTimes(_ string, e *kerneltest.Entry) {
	if e.Stat.Mode&unix.S_IFMT == unix.S_IFDIR {
		e.Stat.Modified, e.Stat.Changed = e.Stat.Accessed, e.Stat.Accessed
	}
}

func before(t testing.TB, dir string) {
	t.Helper()
	for i := range 40 {
		write(t, filepath.Join(dir, fmt.Sprintf("old/%d", i)), pattern(3000*i))
	}
	run(t, "sync", "-f", dir)
}

func changes(t testing.TB, dir string) {
	t.Helper()
	p := func(name string) string { return filepath.Join(dir, name) }
	for i := range 30 {
		writeSynced(t, p(fmt.Sprintf("new-%d", i)), pattern(i*700))
	}
	must(t, os.Remove(p("old/0")), os.Rename(p("old/1"), p("renamed")), os.Rename(p("old/2"), p("old/3")), os.Link(p("old/4"), p("linked")))
	must(t, os.Truncate(p("old/20"), 100), os.Chmod(p("old/5"), 0o4711), os.Remove(p("new-3")))
	syncFile(t, p("old/20"))
	f, err := os.OpenFile(p("old/21"), os.O_WRONLY, 0)
	must(t, err)
	_, err = f.WriteAt(pattern(10_000), 200_000)
	must(t, err, f.Sync(), unix.Fallocate(int(f.Fd()), 0, 300_000, 50_000), f.Sync(), f.Close())
	writeSynced(t, p("new-3"), pattern(77))
	for i := range 5 {
		must(t, os.Remove(p(fmt.Sprintf("new-%d", 10+i))))
		writeSynced(t, p(fmt.Sprintf("again-%d", i)), pattern(i*5000))
	}
}

// TestFastCommitKinds makes one change each and syncs it, so that no other forces a whole transaction, which some do.
func TestFastCommitKinds(t *testing.T) {
	image := blankImage(t, "24M", "-b", "4096", "-O", "fast_commit")
	dir, _ := kerneltest.Mount(t, "ext4", image, "rw")
	before(t, dir)
	p := func(name string) string { return filepath.Join(dir, name) }
	seen := 0
	for i, step := range []struct {
		name   string
		change func() error
	}{
		{"create", func() error { return os.WriteFile(p("step-1"), pattern(9000), 0o640) }},
		{"append", func() error { return appendTo(p("step-1"), pattern(20_000)) }},
		{"directory", func() error { return os.Mkdir(p("step-dir"), 0o711) }},
		{"file in it", func() error { return os.WriteFile(p("step-dir/file"), pattern(300), 0o600) }},
		{"short link", func() error { return os.Symlink("target", p("step-link")) }},
		{"long link", func() error { return os.Symlink(strings.Repeat("t", 100), p("step-long")) }},
		{"device", func() error { return unix.Mknod(p("step-device"), unix.S_IFCHR|0o600, int(unix.Mkdev(0, 0))) }},
		{"pipe", func() error { return unix.Mkfifo(p("step-pipe"), 0o600) }},
		{"attribute", func() error { return unix.Setxattr(p("old/9"), "trusted.overlay.opaque", []byte("y"), 0) }},
		{"owner", func() error { return os.Lchown(p("old/10"), 70_000, 80_000) }},
		{"times", func() error {
			return unix.UtimesNanoAt(unix.AT_FDCWD, p("old/11"), []unix.Timespec{{Sec: -5, Nsec: 7}, {Sec: 1 << 33, Nsec: 9}}, 0)
		}},
		{"shorten", func() error { return os.Truncate(p("old/12"), 5000) }},
		{"rename over", func() error { return os.Rename(p("old/13"), p("old/14")) }},
		{"rename directory", func() error { return os.Rename(p("step-dir"), p("step-moved")) }},
		{"hard link", func() error { return os.Link(p("old/15"), p("old/15 too")) }},
		{"unlink one of two", func() error { return os.Remove(p("old/15")) }},
		{"unlink", func() error { return os.Remove(p("old/16")) }},
		{"again", func() error { return os.WriteFile(p("old/16"), pattern(12_345), 0o604) }},
		{"remove directory", func() error { return os.RemoveAll(p("step-moved")) }},
		{"pieces", func() error { return holes(p("step-pieces")) }},
		{"punch", func() error { return punch(p("old/30"), 20_000, 30_000) }},
	} {
		must(t, step.change())
		syncFile(t, p("old/39"))
		must(t, appendTo(p("old/39"), []byte{byte(i)}))
		syncFile(t, p("old/39"))
		copied := kerneltest.CrashCopy(t, image)
		disk := openImage(t, copied, ext4.Options{})
		if disk.Replayed().FastCommits > 0 {
			seen++
		}
		kerneltest.CompareWith(t, disk, kerneltest.Recovered(t, "ext4", copied, ""), kerneltest.Options{Forget: recoveredTimes})
		if d := disk.Damage(); len(d) != 0 || t.Failed() {
			t.Fatalf("after %q: damage %v, replayed %+v", step.name, d, disk.Replayed())
		}
	}
	if seen < 10 {
		t.Errorf("only %d steps left fast commits", seen)
	}
}

func appendTo(name string, b []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Sync(), f.Close())
}

func holes(name string) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	for i := range int64(20) {
		if _, err := f.WriteAt([]byte("piece"), i*16_384); err != nil {
			return err
		}
	}
	return errors.Join(f.Sync(), f.Close())
}

func punch(name string, at, length int64) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, at, length), f.Sync(), f.Close())
}

func syncFile(t testing.TB, name string) {
	t.Helper()
	f, err := os.Open(name)
	must(t, err, f.Sync(), f.Close())
}

// TestOldFastCommits reports no fast commits that a former transaction left in their place.
func TestOldFastCommits(t *testing.T) {
	image := blankImage(t, "64M", "-b", "4096", "-O", "fast_commit")
	dir, unmount := kerneltest.Mount(t, "ext4", image, "rw")
	before(t, dir)
	changes(t, dir)
	copied := kerneltest.CrashCopy(t, image)
	unmount()
	b, err := os.ReadFile(copied)
	must(t, err)
	head := bytes.Index(b, []byte{9, 0, 8, 0, 0, 0, 0, 0})
	if head < 0 || head%4096 != 0 {
		t.Fatal("the kernel wrote no fast commits")
	}
	binary.LittleEndian.PutUint32(b[head+8:], binary.LittleEndian.Uint32(b[head+8:])-1)
	disk := openBytes(t, bytes.NewReader(b), len(b))
	if r := disk.Replayed(); r.FastCommits != 0 || len(disk.Damage()) != 0 {
		t.Errorf("those of a former transaction are replayed: %+v, %v", r, disk.Damage())
	}
	binary.LittleEndian.PutUint32(b[head+8:], binary.LittleEndian.Uint32(b[head+8:])+1)
	b[head+52] ^= 1 // in the first commit
	disk = openBytes(t, bytes.NewReader(b), len(b))
	if r, said := disk.Replayed(), fmt.Sprint(disk.Damage()); r.FastCommits != 0 || !strings.Contains(said, "not whole") {
		t.Errorf("one that is not whole is replayed: %+v, %s", r, said)
	}
}
