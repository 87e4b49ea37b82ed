package timeline_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firebreak-ir/firebreak/forensics/ext4"
	"github.com/firebreak-ir/firebreak/forensics/timeline"
	"github.com/firebreak-ir/firebreak/forensics/volume"
	"github.com/firebreak-ir/firebreak/internal/labenv"
)

// makeDisk lets mkfs.ext4 fill an image from a directory.
func makeDisk(t testing.TB, source, size string) string {
	t.Helper()
	labenv.NeedTool(t, "mkfs.ext4", "apt-get install e2fsprogs")
	disk := filepath.Join(t.TempDir(), "disk.img")
	run(t, nil, "mkfs.ext4", "-q", "-F", "-d", source, disk, size)
	return disk
}

// run gives what a program writes to its standard output.
func run(t testing.TB, stdin []byte, name string, args ...string) string {
	t.Helper()
	c := exec.Command(name, args...)
	c.Env = append(os.Environ(), "TZ=UTC", "LC_ALL=C.UTF-8")
	c.Stdin = strings.NewReader(string(stdin))
	var failed strings.Builder
	c.Stderr = &failed
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, failed.String())
	}
	return string(out)
}

func openDisk(t testing.TB, disk string) *ext4.FS {
	t.Helper()
	f, err := os.Open(disk)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	opened, err := ext4.Open(f, info.Size(), ext4.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return opened
}

// entries gives every entry of a disk, and hands on damage.
func entries(t testing.TB, disk volume.Tree, damage func(error)) []timeline.FileEntry {
	t.Helper()
	var all []timeline.FileEntry
	err := disk.Walk(".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d == nil {
			damage(err)
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return nil //nolint:nilerr // the walk has said it
		}
		e := timeline.FileEntry{Path: p}
		e.Stat, _ = volume.StatOf(info)
		if e.Stat.Mode&volume.TypeMask == volume.TypeLink {
			if e.Target, err = disk.ReadLink(p); err != nil {
				damage(err)
			}
		}
		all = append(all, e)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func write(t testing.TB, name, content string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(content), 0o644)); err != nil {
		t.Fatal(err)
	}
}
