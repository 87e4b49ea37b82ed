package inventory_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/forensics/ext4"
	"github.com/firebreak-ir/firebreak/forensics/inventory"
	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// slowly hides that a file system can be read in bulk.
type slowly struct{ volume.FS }

// same compares a scan in bulk with one that walks.
func same(t testing.TB, disk volume.FS, opts inventory.Options) int {
	t.Helper()
	want := scan(t, slowly{disk}, opts)
	got := scan(t, disk, opts)
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(inventory.Entry{})); diff != "" {
		t.Errorf("(-walked +in bulk):\n%s", diff)
	}
	return len(got)
}

// TestBulkIsWalk compares both ways on file systems of many kinds, with few and many workers and with little memory.
func TestBulkIsWalk(t *testing.T) {
	source := sourceTree(t)
	for name, options := range map[string][]string{
		"default":        nil,
		"1k":             {"-b", "1024"},
		"2k, 128 inodes": {"-b", "2048", "-I", "128"},
		"64k":            {"-b", "65536", "-N", "2048", "-O", "^has_journal"},
		"ext2":           {"-t", "ext2", "-b", "1024"},
		"inline data":    {"-O", "inline_data", "-I", "512"},
		"meta_bg":        {"-O", "meta_bg,^resize_inode", "-b", "1024", "-g", "1024"},
		"no filetype":    {"-O", "^filetype"},
		"bigalloc":       {"-O", "bigalloc", "-C", "16384"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			disk := openImage(t, makeImage(t, source, "96M", options...))
			for _, opts := range []inventory.Options{{Workers: 1}, {Workers: 16, Hash: true}, {Workers: 3, Hash: true, MemoryBytes: 256 << 10}} {
				if n := same(t, disk, opts); n < 1000 {
					t.Errorf("%d entries", n)
				}
			}
		})
	}
}

// TestBulkIsWalkWhereDamaged changes bytes of small images, and wants both ways to say the same.
func TestBulkIsWalkWhereDamaged(t *testing.T) {
	for _, seed := range []string{"dirty", "inline", "ext2"} {
		t.Run(seed, func(t *testing.T) {
			t.Parallel()
			image := gunzip(t, "../ext4/testdata/seeds/"+seed+".img.gz")
			cases, damaged := 150, 0
			if testing.Short() {
				cases = 40
			}
			held := nonZero(image)
			for i := range cases {
				at := held[i*len(held)/cases]
				image[at] ^= 0xFF
				damaged += sameOf(t, image, fmt.Sprintf("byte %d", at))
				image[at] ^= 0xFF
			}
			if damaged == 0 {
				t.Error("no change did any harm")
			}
		})
	}
}

// sameOf compares both ways on an image that may be damaged, and counts the problems.
func sameOf(t testing.TB, image []byte, what string) (problems int) {
	t.Helper()
	disk, err := ext4.Open(bytes.NewReader(image), int64(len(image)), ext4.Options{MaxJournalBlocks: 4096, CacheBytes: 1 << 20})
	if err != nil {
		return 1
	}
	opts := inventory.Options{Hash: true, MaxHashBytes: 1 << 20, Workers: 2}
	want, got := scan(t, slowly{disk}, opts), scan(t, disk, opts)
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(inventory.Entry{})); diff != "" {
		t.Errorf("%s (-walked +in bulk):\n%s", what, diff)
	}
	for _, e := range got {
		if e.Problem != "" {
			problems++
		}
	}
	return problems
}

// nonZero gives where an image holds something; most of it is empty.
func nonZero(image []byte) (at []int) {
	for i, b := range image {
		if i >= 1024 && b != 0 {
			at = append(at, i)
		}
	}
	return at
}

func gunzip(t testing.TB, path string) []byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
