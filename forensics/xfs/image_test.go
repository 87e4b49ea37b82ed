package xfs_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/firebreak-ir/firebreak/forensics/volume/kerneltest"
	"github.com/firebreak-ir/firebreak/forensics/xfs"
	"github.com/firebreak-ir/firebreak/internal/labenv"
)

// emptyImage lets mkfs.xfs make a file system in a sparse file of so many MiB; it makes none of less than 300.
func emptyImage(t testing.TB, mib int64, options ...string) string {
	t.Helper()
	labenv.NeedTool(t, "mkfs.xfs", "apt-get install xfsprogs")
	image := filepath.Join(t.TempDir(), "disk.img")
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(image, mib<<20); err != nil {
		t.Fatal(err)
	}
	kerneltest.Run(t, "mkfs.xfs", append(append([]string{"-q", "-f"}, options...), image)...)
	return image
}

func openImage(t testing.TB, image string, opts xfs.Options) *xfs.FS {
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
	disk, err := xfs.Open(f, info.Size(), opts)
	if err != nil {
		t.Fatalf("open %s: %v", image, err)
	}
	return disk
}

func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i%251) + 1
	}
	return b
}
