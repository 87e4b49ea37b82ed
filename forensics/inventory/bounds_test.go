package inventory_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/forensics/inventory"
	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// watched counts what a scan asks of a file system.
type watched struct {
	volume.FS
	volume.Bulk
	listed atomic.Int64 // entries
	opened atomic.Int64
	read   atomic.Int64 // bytes
}

func watch(disk volume.FS) *watched { return &watched{FS: disk, Bulk: disk.(volume.Bulk)} }

func (w *watched) List(dirs []uint64, most int) []*volume.Listing {
	lists := w.Bulk.List(dirs, most)
	for _, l := range lists {
		w.listed.Add(int64(len(l.Records)))
	}
	return lists
}

func (w *watched) OpenInode(n uint64) (volume.File, error) {
	w.opened.Add(1)
	return w.Bulk.OpenInode(n)
}

func (w *watched) ReadDisk(p []byte, at int64) error {
	w.read.Add(int64(len(p)))
	return w.Bulk.ReadDisk(p, at)
}

// wideTree makes many directories of a few files each.
func wideTree(t testing.TB) string {
	t.Helper()
	root := t.TempDir()
	for i := range 1500 {
		write(t, filepath.Join(root, fmt.Sprintf("%02d/%02d/%d", i%20, i%97, i)), nil)
	}
	return root
}

// TestHoldsOnlySoMuch counts the entries that were read and not yet handed on: no more than the memory has room for and
// what is on the way, however slow the caller is.
func TestHoldsOnlySoMuch(t *testing.T) {
	disk := openImage(t, makeImage(t, wideTree(t), "32M", "-N", "10000"))
	all := len(scan(t, disk, inventory.Options{}))
	for _, c := range []struct {
		memory int64
		least  int64 // read ahead at some time
		most   int64
	}{
		{128 << 20, 2000, 10000},
		{128 << 10, 0, 128<<10/4/volume.RecordBytes + 6*256 + 200},
	} {
		w := watch(disk)
		n, most := 0, int64(0)
		err := inventory.Scan(t.Context(), w, inventory.Options{MemoryBytes: c.memory, Workers: 4}, func(inventory.Entry) error {
			for n++; n == 1 && w.listed.Load() < c.least; time.Sleep(time.Millisecond) { // it may read far ahead
				if t.Context().Err() != nil {
					return t.Context().Err()
				}
			}
			most = max(most, w.listed.Load()-int64(n))
			return nil
		})
		if err != nil || n != all {
			t.Fatalf("%d of %d entries, %v", n, all, err)
		}
		if most < c.least || most > c.most {
			t.Errorf("with %d bytes, %d entries were held; wanted %d to %d", c.memory, most, c.least, c.most)
		}
	}
}

// TestHashedOnce reads a file of three names once, and one of another image's size.
func TestHashedOnce(t *testing.T) {
	source := t.TempDir()
	write(t, filepath.Join(source, "a/first"), pattern(600_000, 1))
	for _, name := range []string{"b", "z"} {
		if err := os.Link(filepath.Join(source, "a/first"), filepath.Join(source, name)); err != nil {
			t.Fatal(err)
		}
	}
	w := watch(openImage(t, makeImage(t, source, "16M")))
	sums := map[string]int{}
	for _, e := range scan(t, w, inventory.Options{Hash: true}) {
		if e.SHA256 != "" {
			sums[e.SHA256]++
		}
	}
	if len(sums) != 1 || w.opened.Load() != 1 {
		t.Errorf("%v, opened %d times", sums, w.opened.Load())
	}
}

// TestAbsurdFile does not read a terabyte of zeros, and says so.
func TestAbsurdFile(t *testing.T) {
	source := t.TempDir()
	write(t, filepath.Join(source, "absurd"), []byte("x"))
	if err := os.Truncate(filepath.Join(source, "absurd"), 1<<40); err != nil {
		t.Fatal(err)
	}
	for _, e := range scan(t, openImage(t, makeImage(t, source, "16M")), inventory.Options{Hash: true}) {
		if e.Path == "absurd" && (e.SHA256 != "" || !strings.Contains(e.Problem, "its 1099511627776 bytes, holes included, are more than")) {
			t.Errorf("%+v", e)
		}
	}
}

// TestTotal stops hashing where the files together are too long, and does so at the same place when it goes on.
func TestTotal(t *testing.T) {
	disk := openImage(t, makeImage(t, sourceTree(t), "64M"))
	opts := inventory.Options{Hash: true, MaxHashTotal: 2 << 20}
	whole := scan(t, disk, opts)
	hashed, refused := 0, 0
	for i, e := range whole {
		switch {
		case e.SHA256 != "":
			hashed++
		case strings.Contains(e.Problem, "more than the 2097152 bytes that were allowed"):
			refused++
		}
		if i%300 == 0 {
			opts.After = e.Cursor()
			if rest := scan(t, disk, opts); !cmp.Equal(whole[i+1:], rest, cmp.AllowUnexported(inventory.Entry{})) {
				t.Errorf("another list behind %q", e.Path)
			}
		}
	}
	if hashed < 300 || refused < 100 {
		t.Errorf("%d hashed, %d refused", hashed, refused)
	}
	same(t, disk, inventory.Options{Hash: true, MaxHashTotal: 2 << 20})
}

// TestKeep hashes what the caller chooses, and asks for each regular file once, in order.
func TestKeep(t *testing.T) {
	disk := openImage(t, makeImage(t, sourceTree(t), "64M"))
	var asked, regular []string
	keep := func(e inventory.Entry) bool {
		asked = append(asked, e.Path)
		return strings.HasPrefix(e.Path, "sizes/")
	}
	for _, e := range scan(t, disk, inventory.Options{Hash: true, Keep: keep}) {
		if e.Stat.Mode&volume.TypeMask == volume.TypeRegular {
			regular = append(regular, e.Path)
		}
		if (e.SHA256 != "") != (strings.HasPrefix(e.Path, "sizes/")) {
			t.Errorf("%q: %q", e.Path, e.SHA256)
		}
	}
	if strings.Join(asked, "\n") != strings.Join(regular, "\n") {
		t.Errorf("asked for %d files of %d, or in another order", len(asked), len(regular))
	}
}

// TestProgress counts what was handed on.
func TestProgress(t *testing.T) {
	disk := openImage(t, makeImage(t, sourceTree(t), "64M"))
	var last inventory.Progress
	entries := scan(t, disk, inventory.Options{Hash: true, Progress: func(p inventory.Progress) {
		if p.Entries != last.Entries+1 {
			t.Fatalf("%+v after %+v", p, last)
		}
		last = p
	}})
	want := inventory.Progress{Entries: int64(len(entries)), Cursor: entries[len(entries)-1].Path}
	for _, e := range entries {
		if e.SHA256 != "" {
			want.Hashed, want.Bytes = want.Hashed+1, want.Bytes+e.Stat.Size
		}
	}
	if last != want {
		t.Errorf("%+v, want %+v", last, want)
	}
}

// TestEndsWithTheCaller gives the caller's error and leaves nothing running that still reads the disk.
func TestEndsWithTheCaller(t *testing.T) {
	w := watch(openImage(t, makeImage(t, sourceTree(t), "64M")))
	enough := errors.New("enough")
	err := inventory.Scan(t.Context(), w, inventory.Options{Hash: true}, func(inventory.Entry) error { return enough })
	if !errors.Is(err, enough) {
		t.Error(err)
	}
	before := w.read.Load() + w.opened.Load() + w.listed.Load()
	time.Sleep(50 * time.Millisecond)
	if after := w.read.Load() + w.opened.Load() + w.listed.Load(); after != before {
		t.Error("the scan has returned and the disk is still read")
	}
}
