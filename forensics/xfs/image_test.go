package xfs_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firebreak-ir/firebreak/forensics/volume/kerneltest"
	"github.com/firebreak-ir/firebreak/forensics/xfs"
	"github.com/firebreak-ir/firebreak/internal/labenv"
)

// emptyImage lets mkfs.xfs make a file system in a sparse file of so many MiB. The three variables are those by which its
// own tests ask for file systems and logs that are smaller than it makes for people: less than 300 MiB, with logs of less
// than 64.
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
	args := []string{"TEST_DIR=/", "TEST_DEV=/", "QA_CHECK_FS=/", "mkfs.xfs", "-q", "-f"}
	kerneltest.Run(t, "env", append(append(args, options...), image)...)
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

// forms tells in which form the two forks of a file are, by what xfs_db says.
func forms(t testing.TB, image string, disk *xfs.FS, name string) string {
	t.Helper()
	inode := fmt.Sprintf("inode %d", number(t, disk, name))
	out := kerneltest.Run(t, "xfs_db", "-r", "-c", inode, "-c", "print core.format", "-c", "print core.forkoff", "-c", "print core.aformat", image)
	fields := strings.Fields(strings.ReplaceAll(out, "core.", "\n")) // core.format = 2 (extents)
	first, second := strings.Trim(fields[3], "()"), strings.Trim(fields[len(fields)-1], "()")
	if fields[6] == "0" {
		second = "none"
	}
	return first + ", " + second
}

func digest(b []byte) string { return fmt.Sprintf("%x", sha256.Sum256(b)) }
