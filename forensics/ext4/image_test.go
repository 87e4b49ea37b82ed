package ext4_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firebreak-ir/firebreak/forensics/ext4"
	"github.com/firebreak-ir/firebreak/internal/labenv"
)

// makeImage lets mkfs.ext4 fill an image from a directory.
func makeImage(t testing.TB, source, size string, options ...string) string {
	t.Helper()
	need(t, "mkfs.ext4")
	image := filepath.Join(t.TempDir(), "disk.img")
	args := append([]string{"-q", "-F", "-d", source}, options...)
	run(t, "mkfs.ext4", append(args, image, size)...)
	return image
}

// need skips where e2fsprogs is not installed; it is part of every Debian and Ubuntu.
func need(t testing.TB, tool string) {
	t.Helper()
	labenv.NeedTool(t, tool, "apt-get install e2fsprogs")
}

func run(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func openImage(t testing.TB, image string, opts ext4.Options) *ext4.FS {
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
	disk, err := ext4.Open(f, info.Size(), opts)
	if err != nil {
		t.Fatalf("open %s: %v", image, err)
	}
	return disk
}

// sourceTree makes what mkfs copies: sizes around every boundary, holes, links, many names, odd names, modes and times.
func sourceTree(t testing.TB) string {
	t.Helper()
	root := t.TempDir()
	for _, size := range []int{0, 1, 59, 60, 61, 120, 160, 1023, 1024, 1025, 4096, 65537, 1 << 20} {
		write(t, filepath.Join(root, fmt.Sprintf("sizes/%d", size)), pattern(size))
	}
	for i := range 900 {
		write(t, filepath.Join(root, fmt.Sprintf("many/a-rather-long-name-to-fill-blocks-%04d", i)), nil)
	}
	for i := range 3 {
		write(t, filepath.Join(root, fmt.Sprintf("few/%d", i)), []byte{byte(i)})
	}
	write(t, filepath.Join(root, "odd/\xff\xfe bytes \u00e9\n"), []byte("odd"))
	for name, target := range map[string]string{"short": "sizes/1", "up": "../../../sizes/1", "long": strings.Repeat("x/", 100) + "y", "absolute": "/sizes/60"} {
		if err := os.Symlink(target, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Join(root, "sizes/1"), 0o4751|os.ModeSetuid); err != nil {
		t.Fatal(err)
	}
	return root
}

// sparse writes a file with a hole in front, between and behind.
func sparse(t testing.TB, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, at := range []int64{100 << 10, 5 << 20} {
		if _, err := f.WriteAt(pattern(9000), at); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Truncate(7<<20 + 5); err != nil {
		t.Fatal(err)
	}
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

func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i%251) + 1
	}
	return b
}
