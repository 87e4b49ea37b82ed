package inventory_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/forensics/ext4"
	"github.com/firebreak-ir/firebreak/forensics/inventory"
)

// edited makes an image and lets debugfs do to it what no kernel does.
func edited(t testing.TB, source string, commands ...string) string {
	t.Helper()
	path := makeImage(t, source, "16M")
	for _, c := range commands {
		if out, err := exec.Command("debugfs", "-w", "-R", c, path).CombinedOutput(); err != nil || strings.Contains(string(out), "rror") {
			t.Fatalf("debugfs %s: %v: %s", c, err, out)
		}
	}
	return path
}

// TestTwins tells entries of one name apart: each scan that goes on behind one of them gives the rest.
func TestTwins(t *testing.T) {
	source := t.TempDir()
	write(t, filepath.Join(source, "d/twin1/1"), []byte("one"))
	write(t, filepath.Join(source, "d/twin2/1"), []byte("two"))
	write(t, filepath.Join(source, "d/twin2/2"), nil)
	write(t, filepath.Join(source, "d/twin3"), nil)
	write(t, filepath.Join(source, "twin4"), nil)
	write(t, filepath.Join(source, "twin5"), nil)
	b, err := os.ReadFile(makeImage(t, source, "8M", "-O", "^metadata_csum"))
	if err != nil {
		t.Fatal(err)
	}
	for old, name := range map[string]string{"twin2": "twin1", "twin3": "twin1", "twin5": "twin4"} {
		b = bytes.ReplaceAll(b, []byte(old), []byte(name))
	}
	disk, err := ext4.Open(bytes.NewReader(b), int64(len(b)), ext4.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if n := same(t, disk, inventory.Options{Hash: true}); n != 11 {
		t.Errorf("%d entries", n)
	}
	want := scan(t, disk, inventory.Options{})
	cursors := map[string]bool{}
	for i, e := range want {
		if cursors[e.Cursor()] {
			t.Errorf("two entries have the cursor %q", e.Cursor())
		}
		cursors[e.Cursor()] = true
		for name, rest := range map[string][]inventory.Entry{
			"bulk":   scan(t, disk, inventory.Options{After: e.Cursor()}),
			"walked": scan(t, slowly{disk}, inventory.Options{After: e.Cursor()}),
		} {
			if diff := cmp.Diff(want[i+1:], rest, cmp.AllowUnexported(inventory.Entry{})); len(rest)+i+1 != len(want) {
				t.Errorf("%s, behind %q (-want +got):\n%s", name, e.Cursor(), diff)
			}
		}
	}
}

// TestLoops enters each directory once, at the place where the walk comes first, and says so at the others.
func TestLoops(t *testing.T) {
	source := t.TempDir()
	write(t, filepath.Join(source, "a/b/c/file"), []byte("x"))
	write(t, filepath.Join(source, "z/file"), []byte("x"))
	disk := openImage(t, edited(t, source, "ln z a/b/z", "ln a a/b/c/a", "ln a m"))
	for _, opts := range []inventory.Options{{Workers: 1}, {Workers: 16}, {MemoryBytes: 4096}} {
		same(t, disk, opts)
		problems := map[string]string{}
		for _, e := range scan(t, disk, opts) {
			if e.Problem != "" {
				problems[e.Path] = e.Problem[strings.Index(e.Problem, ": ")+2:]
			}
		}
		met := "the directory was met before"
		if diff := cmp.Diff(map[string]string{"a/b/c/a": met, "m": met, "z": met}, problems); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// TestDamagedFile names what cannot be read of a file, and hashes its neighbours.
func TestDamagedFile(t *testing.T) {
	source := t.TempDir()
	for _, name := range []string{"a", "b", "c"} {
		write(t, filepath.Join(source, name), pattern(20000, 7))
	}
	disk := openImage(t, edited(t, source, "set_inode_field b block[5] 0x7ffffff0"))
	good := 0
	for _, e := range scan(t, disk, inventory.Options{Hash: true}) {
		switch {
		case e.Path == "b" && (e.SHA256 != "" || !strings.Contains(e.Problem, "points to blocks")):
			t.Errorf("%+v", e)
		case e.Path != "b" && e.Problem != "":
			t.Errorf("%q: %s", e.Path, e.Problem)
		case e.SHA256 != "":
			good++
		}
	}
	if good != 2 {
		t.Errorf("%d hashes", good)
	}
	same(t, disk, inventory.Options{Hash: true})
}

// TestHugeDirectory lists what the memory has room for, and says that there is more.
func TestHugeDirectory(t *testing.T) {
	disk := openImage(t, makeImage(t, sourceTree(t), "64M"))
	entries := scan(t, disk, inventory.Options{MemoryBytes: 8 << 10})
	said := 0
	for _, e := range entries {
		if strings.Contains(e.Problem, "more do not fit in the memory that was allowed") {
			said++
		}
	}
	if said != 8 { // flat, and the seven below many, each with more than 51 names
		t.Errorf("%d directories were cut, of %d entries", said, len(entries))
	}
}

// TestBothViews scans a disk as its journal has it and as it lies there.
func TestBothViews(t *testing.T) {
	b := gunzip(t, "../ext4/testdata/seeds/dirty.img.gz")
	var lists [2][]inventory.Entry
	for i, skip := range []bool{true, false} {
		disk, err := ext4.Open(bytes.NewReader(b), int64(len(b)), ext4.Options{SkipJournal: skip})
		if err != nil {
			t.Fatal(err)
		}
		same(t, disk, inventory.Options{Hash: true})
		lists[i] = scan(t, disk, inventory.Options{Hash: true})
	}
	if cmp.Equal(lists[0], lists[1], cmp.AllowUnexported(inventory.Entry{})) {
		t.Error("the journal changed nothing")
	}
}
