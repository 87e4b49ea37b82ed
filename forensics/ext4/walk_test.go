package ext4_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/forensics/ext4"
)

// inodeOf finds the number of a file's inode.
func inodeOf(t testing.TB, disk *ext4.FS, name string) int {
	t.Helper()
	info, err := disk.Lstat(name)
	if err != nil {
		t.Fatal(err)
	}
	return int(info.Sys().(*ext4.Inode).Number)
}

// plainImage gives the bytes of an image of a directory without checksums, so that a test may change them.
func plainImage(t testing.TB, source string, options ...string) []byte {
	t.Helper()
	b, err := os.ReadFile(makeImage(t, source, "8M", append([]string{"-b", "1024", "-O", "^metadata_csum"}, options...)...))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// walked gives what a walk visits and what it finds wrong.
func walked(disk *ext4.FS) (visited, wrong []string) {
	_ = disk.Walk(".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			wrong = append(wrong, p+": "+err.Error())
		case !strings.HasPrefix(p, "lost+found"):
			visited = append(visited, p)
		}
		return nil
	})
	return visited, wrong
}

// TestFoldedDirectory lists a block once that a directory claims to have four times.
func TestFoldedDirectory(t *testing.T) {
	source := t.TempDir()
	for i := range 10 {
		write(t, filepath.Join(source, fmt.Sprintf("d/%d", i)), nil)
	}
	b := plainImage(t, source)
	in := rawInode(b, 1024, inodeOf(t, openBytes(t, bytes.NewReader(b), len(b)), "d"))
	le := binary.LittleEndian
	le.PutUint32(in[4:], 4*1024)
	block := le.Uint32(in[0x28+12+8:])
	le.PutUint16(in[0x28+2:], 4)
	for i := range 4 {
		e := in[0x28+12+12*i:]
		le.PutUint32(e, uint32(i))
		le.PutUint32(e[4:], 1)
		le.PutUint32(e[8:], block)
	}
	entries, err := openBytes(t, bytes.NewReader(b), len(b)).ReadDir("d")
	if len(entries) != 10 || err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("%d entries, %v", len(entries), err)
	}
}

// TestWalkHoldsOnlySoMuch counts the entries of all directories that a walk holds at once, and lets go of the others.
func TestWalkHoldsOnlySoMuch(t *testing.T) {
	source := t.TempDir()
	for i := range 6 {
		write(t, filepath.Join(source, fmt.Sprintf("a/deep/%d", i)), nil)
		write(t, filepath.Join(source, fmt.Sprintf("b/%d", i)), nil)
		write(t, filepath.Join(source, fmt.Sprintf("c/%d", i)), nil)
	}
	for i := range 5 {
		write(t, filepath.Join(source, fmt.Sprintf("a/%d", i)), nil)
	}
	image := makeImage(t, source, "8M")
	for name, c := range map[string]struct {
		limits ext4.Options
		wrong  int
	}{
		"enough":         {ext4.Options{MaxDirEntries: 16, MaxNameBytes: 32}, 0}, // 4 in the root, 6 in a, 6 in deep
		"entries":        {ext4.Options{MaxDirEntries: 15}, 1},
		"bytes of names": {ext4.Options{MaxNameBytes: 25}, 1}, // 13 in the root, 9 in a, 6 in deep
	} {
		visited, wrong := walked(openImage(t, image, c.limits))
		if len(wrong) != c.wrong || c.wrong > 0 && !strings.HasPrefix(wrong[0], "a/deep: ") || len(visited) < 25 {
			t.Errorf("%s: %d visited, wrong: %q", name, len(visited), wrong)
		}
	}
}

// TestSharedDirectoryBlocks stops reading when directories have more blocks than the file system.
func TestSharedDirectoryBlocks(t *testing.T) {
	source := t.TempDir()
	for i := range 60 {
		if err := os.MkdirAll(filepath.Join(source, fmt.Sprint("d", i)), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	b := plainImage(t, source, "-O", "^has_journal")
	disk := openBytes(t, bytes.NewReader(b), len(b))
	le := binary.LittleEndian
	for i := range 60 { // each claims a quarter of the image
		in := rawInode(b, 1024, inodeOf(t, disk, fmt.Sprint("d", i)))
		le.PutUint32(in[4:], 2048*1024)
		le.PutUint32(in[0x28+12+4:], 2048)
		le.PutUint32(in[0x28+12+8:], 6000)
	}
	_, wrong := walked(openBytes(t, bytes.NewReader(b), len(b)))
	if said := strings.Join(wrong, "\n"); !strings.Contains(said, "more blocks than the file system") {
		t.Errorf("wrong: %d, %.300s", len(wrong), said)
	}
}

// nameAt finds the entry of a name in a directory's block.
func nameAt(t testing.TB, b []byte, name string) []byte {
	t.Helper()
	at := bytes.Index(b, append([]byte{byte(len(name)), 2}, name...))
	if at < 0 {
		at = bytes.Index(b, append([]byte{byte(len(name)), 1}, name...))
	}
	if at < 6 {
		t.Fatalf("no directory entry %q", name)
	}
	return b[at-6:]
}

// TestEntriesThatLie visits what a directory hides behind a wrong type, and says what it hides.
func TestEntriesThatLie(t *testing.T) {
	source := t.TempDir()
	write(t, filepath.Join(source, "d/hiddendir/implant"), []byte("x"))
	write(t, filepath.Join(source, "d/hiddenfile"), []byte("x"))
	write(t, filepath.Join(source, "d/nowhere"), []byte("x"))
	write(t, filepath.Join(source, "e/aa"), nil)
	write(t, filepath.Join(source, "e/slashed"), nil)
	write(t, filepath.Join(source, "e/zz"), nil)
	b := plainImage(t, source)
	nameAt(t, b, "hiddendir")[7] = 1                                 // a regular file
	nameAt(t, b, "hiddenfile")[7] = 2                                // a directory
	binary.LittleEndian.PutUint32(nameAt(t, b, "nowhere"), 0xFFFFFF) // there are not so many
	copy(nameAt(t, b, "slashed")[8:], "sla/hed")
	disk := openBytes(t, bytes.NewReader(b), len(b))
	visited, wrong := walked(disk)
	want := []string{".", "d", "d/hiddendir", "d/hiddendir/implant", "d/hiddenfile", "d/nowhere", "e", "e/aa", "e/zz"}
	if diff := cmp.Diff(want, visited); diff != "" {
		t.Errorf("visited (-want +got):\n%s", diff)
	}
	said := strings.Join(wrong, "\n")
	for _, want := range []string{"d/hiddendir: ", "d/hiddenfile: ", "d/nowhere: ", `the name "sla/hed"`} {
		if strings.Count(said, want) != 1 {
			t.Errorf("%q is not reported once in:\n%s", want, said)
		}
	}
	entries, err := disk.ReadDir("d")
	if err != nil || !entries[0].IsDir() || entries[1].IsDir() {
		t.Errorf("%v, %v", entries, err)
	}
}
