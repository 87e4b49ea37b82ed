package inventory_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/firebreak-ir/firebreak/forensics/image"
	"github.com/firebreak-ir/firebreak/forensics/inventory"
	"github.com/firebreak-ir/firebreak/forensics/volume"
	"github.com/firebreak-ir/firebreak/forensics/volume/kerneltest"
	"github.com/firebreak-ir/firebreak/internal/labenv"
)

// kernelImage has the kernel copy a directory into a new file system.
func kernelImage(t testing.TB, kind, source string, mib int64, options ...string) string {
	t.Helper()
	labenv.NeedTool(t, "mkfs."+kind, "apt-get install e2fsprogs xfsprogs")
	path := filepath.Join(t.TempDir(), "disk.img")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, mib<<20); err != nil {
		t.Fatal(err)
	}
	force := map[string]string{"ext4": "-F", "xfs": "-f"}[kind]
	kerneltest.Run(t, "mkfs."+kind, append(append([]string{"-q", force}, options...), path)...)
	dir, unmount := kerneltest.Mount(t, kind, path, "rw")
	kerneltest.Run(t, "cp", "-a", source+"/.", dir)
	unmount()
	return path
}

// openDisk opens the one file system of a disk, whatever its kind.
func openDisk(t testing.TB, path string, opts image.Options) volume.FS {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	disk, err := image.Open(sized{f, info.Size()}, opts)
	if err != nil {
		t.Fatal(err)
	}
	if len(disk.Volumes) != 1 {
		t.Fatalf("%d file systems", len(disk.Volumes))
	}
	return disk.Volumes[0].FS
}

type sized struct {
	*os.File
	size int64
}

func (s sized) Size() int64 { return s.size }

// TestAgainstKernel compares every entry and every hash with the kernel's mount of the image.
func TestAgainstKernel(t *testing.T) {
	source := sourceTree(t)
	for name, c := range map[string]struct {
		kind    string
		mib     int64
		options []string
	}{
		"ext4":            {"ext4", 96, nil},
		"ext4, 1k":        {"ext4", 96, []string{"-b", "1024", "-O", "inline_data", "-I", "512"}},
		"xfs":             {"xfs", 320, nil},
		"xfs, 1k and 64k": {"xfs", 320, []string{"-b", "size=1024", "-n", "size=65536"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := kernelImage(t, c.kind, source, c.mib, c.options...)
			dir, _ := kerneltest.Mount(t, c.kind, path, "ro")
			disk := openDisk(t, path, image.Options{})
			got := map[string]kerneltest.Entry{}
			for _, e := range scan(t, disk, inventory.Options{Hash: true}) {
				got[e.Path] = kerneltest.Entry{Stat: e.Stat, Target: e.Target, SHA256: e.SHA256, Unread: e.Problem}
			}
			forget := func(_ string, e *kerneltest.Entry) {
				e.Xattrs, e.Stat.Generation = nil, 0
			}
			if n := kerneltest.Same(t, kerneltest.Kernel(t, dir), got, kerneltest.Options{Forget: forget}); n < 1000 {
				t.Errorf("only %d entries are equal", n)
			}
			same(t, disk, inventory.Options{Workers: 16, Hash: true})
			same(t, disk, inventory.Options{Workers: 1, MemoryBytes: 256 << 10})
		})
	}
}
