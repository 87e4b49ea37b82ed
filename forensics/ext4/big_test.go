package ext4_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firebreak-ir/firebreak/forensics/ext4"
	"github.com/firebreak-ir/firebreak/forensics/volume/kerneltest"
)

// TestHugeDirectories compares directories of a hundred thousand entries, with more subdirectories than can be counted, and a
// file in more pieces than two levels of a tree have room for.
func TestHugeDirectories(t *testing.T) {
	image := blankImage(t, "250M", "-b", "1024", "-N", "20000", "-O", "inline_data,large_dir", "-J", "size=16")
	dir, unmount := kerneltest.Mount(t, "ext4", image, "rw,noatime")
	for _, name := range []string{"names", "dirs"} {
		must(t, os.Mkdir(filepath.Join(dir, name), 0o755))
	}
	write(t, filepath.Join(dir, "linked"), []byte("linked"))
	for i := range 100_000 {
		name := filepath.Join(dir, fmt.Sprintf("names/%s-%d", strings.Repeat("n", i%40), i))
		if i%50 == 0 {
			write(t, name, []byte(name))
		} else { // a name is enough, and is made faster than a file
			must(t, os.Link(filepath.Join(dir, "linked"), name))
		}
		if i%60_000 == 59_999 { // no file has more
			must(t, os.Rename(filepath.Join(dir, "linked"), filepath.Join(dir, fmt.Sprint("linked-", i))))
			write(t, filepath.Join(dir, "linked"), []byte("linked"))
		}
	}
	for i := range 300 {
		must(t, os.Mkdir(filepath.Join(dir, fmt.Sprintf("dirs/%d", i)), 0o700))
	}
	pieces(t, filepath.Join(dir, "pieces"), 30_000, 2048)
	unmount()
	script(t, image, "set_inode_field dirs links_count 1") // as the kernel does when there are more than 65,000
	dir, _ = kerneltest.Mount(t, "ext4", image, "ro,noload")
	disk := openImage(t, image, ext4.Options{})
	if n := kerneltest.CompareWith(t, disk, dir, kerneltest.Options{}); n < 100_300 {
		t.Errorf("%d entries", n)
	}
	if d := disk.Damage(); len(d) != 0 {
		t.Errorf("damage in a sound image: %v", d)
	}
	extents, err := disk.Extents(lstat(t, disk, "pieces"), 40_000)
	if err != nil || len(extents) != 30_000 {
		t.Errorf("%d extents, %v", len(extents), err)
	}
	if links := lstat(t, disk, "dirs").Sys().(*ext4.Inode).Links; links != 1 {
		t.Errorf("a directory with too many to count has %d links", links)
	}
}

func lstat(t testing.TB, disk *ext4.FS, name string) os.FileInfo {
	t.Helper()
	info, err := disk.Lstat(name)
	must(t, err)
	return info
}
