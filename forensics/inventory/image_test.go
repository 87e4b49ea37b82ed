package inventory_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firebreak-ir/firebreak/forensics/ext4"
	"github.com/firebreak-ir/firebreak/forensics/inventory"
	"github.com/firebreak-ir/firebreak/forensics/volume"
	"github.com/firebreak-ir/firebreak/internal/labenv"
)

// makeImage lets mkfs.ext4 fill an image from a directory.
func makeImage(t testing.TB, source, size string, options ...string) string {
	t.Helper()
	labenv.NeedTool(t, "mkfs.ext4", "apt-get install e2fsprogs")
	image := filepath.Join(t.TempDir(), "disk.img")
	args := append(append([]string{"-q", "-F", "-d", source}, options...), image, size)
	if out, err := exec.Command("mkfs.ext4", args...).CombinedOutput(); err != nil {
		t.Fatalf("mkfs.ext4 %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return image
}

func openImage(t testing.TB, image string) volume.FS {
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
		t.Fatalf("open %s: %v", image, err)
	}
	return disk
}

// sourceTree makes files of many sizes, one with holes, links of both kinds, and names that sort in odd ways.
func sourceTree(t testing.TB) string {
	t.Helper()
	root := t.TempDir()
	for _, size := range []int{0, 1, 60, 61, 4095, 4096, 4097, 70000, 3 << 20} {
		write(t, filepath.Join(root, fmt.Sprintf("sizes/%d", size)), pattern(size, size))
	}
	for i := range 700 {
		write(t, filepath.Join(root, fmt.Sprintf("many/%d/a-rather-long-name-to-fill-blocks-%04d", i%7, i)), pattern(i*13, i))
	}
	for i := range 300 {
		write(t, filepath.Join(root, fmt.Sprintf("flat/%03d", i)), pattern(i, i))
	}
	write(t, filepath.Join(root, "odd/\xff\xfe\n"), []byte("odd"))
	write(t, filepath.Join(root, "odd/a.b"), nil)
	write(t, filepath.Join(root, "odd/a/b"), nil)
	f, err := os.Create(filepath.Join(root, "sparse"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(pattern(9000, 1), 1<<20); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		f.Truncate(5<<20 + 5),
		os.Link(filepath.Join(root, "sizes/4097"), filepath.Join(root, "flat/zz-hard")),
		os.Symlink("../../../sizes/1", filepath.Join(root, "short")),
		os.Symlink(strings.Repeat("x/", 100)+"y", filepath.Join(root, "long")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func write(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

func pattern(n, seed int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i%251) + byte(i>>12) + byte(seed)
	}
	return b
}

// scan gives all entries, and fails the test where the scan did.
func scan(t testing.TB, disk volume.FS, opts inventory.Options) []inventory.Entry {
	t.Helper()
	var out []inventory.Entry
	err := inventory.Scan(t.Context(), disk, opts, func(e inventory.Entry) error {
		out = append(out, e)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
