package xfs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/forensics/volume/kerneltest"
	"github.com/firebreak-ir/firebreak/forensics/xfs"
)

// layouts are the ways to make a file system that a node's disk may have. The first part of a name says what only some
// of them can.
func layouts() map[string][]string {
	return map[string][]string{
		"default":            nil,
		"1k":                 {"-b", "size=1024"},
		"2k, large dirs":     {"-b", "size=2048", "-n", "size=16384"},
		"8k":                 {"-b", "size=8192"},
		"64k":                {"-b", "size=65536"},
		"no reflink":         {"-m", "reflink=0,rmapbt=0,finobt=0,inobtcount=0", "-i", "sparse=0"},
		"all features":       {"-m", "reflink=1,rmapbt=1,finobt=1,inobtcount=1,bigtime=1", "-i", "sparse=1,nrext64=1"},
		"32 bits of seconds": {"-m", "bigtime=0,inobtcount=0"},
		"large inodes":       {"-i", "size=2048,nrext64=1", "-n", "size=65536"},
		"inodes of 1k":       {"-i", "size=1024", "-d", "agcount=9"},
		"sectors of 4k":      {"-s", "size=4096", "-l", "su=32k"},
		"its own id":         {"-m", "uuid=01234567-89ab-cdef-0123-456789abcdef", "-L", "label"},
	}
}

// TestAgainstKernel compares every entry with what the kernel shows of the same image.
func TestAgainstKernel(t *testing.T) {
	for name, options := range layouts() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			image := emptyImage(t, 160, options...)
			dir, unmount := kerneltest.Mount(t, "xfs", image, "rw")
			zoo{TB: t, root: dir, reflink: name != "no reflink"}.fill()
			unmount()
			dir, _ = kerneltest.Mount(t, "xfs", image, "ro")
			disk := openImage(t, image, xfs.Options{})
			kerneltest.Compare(t, disk, dir)
			if d := disk.Damage(); len(d) != 0 {
				t.Errorf("damage in a sound image: %v", d)
			}
		})
	}
}

// TestHugeDirectories reads directories that have so many names, in so many pieces, that their blocks need a tree.
func TestHugeDirectories(t *testing.T) {
	t.Parallel()
	image := emptyImage(t, 300, "-b", "size=1024", "-l", "size=64m")
	dir, unmount := kerneltest.Mount(t, "xfs", image, "rw")
	zoo{TB: t, root: dir}.names(110_000, 3, "one", "two", "three")
	unmount()
	dir, _ = kerneltest.Mount(t, "xfs", image, "ro")
	disk := openImage(t, image, xfs.Options{})
	for _, name := range []string{"one", "two", "three"} {
		want, err := os.ReadDir(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		got, err := disk.ReadDir(name)
		if diff := cmp.Diff(entryNames(want), entryNames(got)); err != nil || diff != "" {
			t.Errorf("%s: %v, (-kernel +ours):\n%s", name, err, diff)
		}
	}
	if got := forms(t, image, disk, "two"); !strings.HasPrefix(got, "btree") {
		t.Errorf("the directory has the form %q: the test has lost its point", got)
	}
}

func entryNames(entries []fs.DirEntry) []string {
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}
