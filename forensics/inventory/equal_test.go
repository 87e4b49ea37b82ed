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
	"github.com/firebreak-ir/firebreak/forensics/xfs"
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

// damageable opens small images that hold something of everything, by the reader for their kind.
var damageable = []struct {
	path  string
	open  func(io.ReaderAt, int64) (volume.FS, error)
	held  func(image []byte) []int // where a change may matter
	cases int
}{
	{"ext4/testdata/seeds/dirty", openExt4, nonZero, 150},
	{"ext4/testdata/seeds/inline", openExt4, nonZero, 150},
	{"ext4/testdata/seeds/ext2", openExt4, nonZero, 150},
	{"xfs/testdata/seeds/dirty", openXFS, xfsMetadata, 40},
	{"xfs/testdata/seeds/forms", openXFS, xfsMetadata, 80},
	{"xfs/testdata/seeds/version4", openXFS, xfsMetadata, 80},
}

func openExt4(r io.ReaderAt, size int64) (volume.FS, error) {
	return orNil(ext4.Open(r, size, ext4.Options{MaxJournalBlocks: 4096, CacheBytes: 1 << 20}))
}

func openXFS(r io.ReaderAt, size int64) (volume.FS, error) {
	return orNil(xfs.Open(r, size, xfs.Options{MaxReplayBytes: 4 << 20, CacheBytes: 1 << 20}))
}

func orNil[F volume.FS](disk F, err error) (volume.FS, error) {
	if err != nil {
		return nil, err
	}
	return disk, nil
}

// TestBulkIsWalkWhereDamaged changes bytes of small images, and wants both ways to say the same.
func TestBulkIsWalkWhereDamaged(t *testing.T) {
	for _, seed := range damageable {
		t.Run(seed.path, func(t *testing.T) {
			t.Parallel()
			image := gunzip(t, "../"+seed.path+".img.gz")
			cases, damaged := seed.cases, 0
			if testing.Short() {
				cases /= 4
			}
			held := seed.held(image)
			for i := range cases {
				at := held[i*len(held)/cases]
				image[at] ^= 0xFF
				damaged += sameOf(t, image, seed.open, fmt.Sprintf("byte %d", at))
				image[at] ^= 0xFF
			}
			if damaged == 0 {
				t.Error("no change did any harm")
			}
		})
	}
}

// sameOf compares both ways on an image that may be damaged, and counts the problems.
func sameOf(t testing.TB, image []byte, open func(io.ReaderAt, int64) (volume.FS, error), what string) (problems int) {
	t.Helper()
	disk, err := open(bytes.NewReader(image), int64(len(image)))
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

// xfsMetadata gives where an image of XFS holds something of inodes, directories, links and extents. Most of the rest is the log.
func xfsMetadata(image []byte) (at []int) {
	const sector = 512
	for from := 0; from+2*sector <= len(image); from += sector {
		for _, magic := range []string{"IN", "XDB3", "XDD3", "XD2B", "XD2D", "BMA3", "BMAP", "XSLM"} {
			if !bytes.HasPrefix(image[from:], []byte(magic)) {
				continue
			}
			for i, b := range image[from : from+sector] {
				if b != 0 {
					at = append(at, from+i)
				}
			}
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
