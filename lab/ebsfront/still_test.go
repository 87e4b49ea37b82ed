package ebsfront

import (
	"os"
	"path/filepath"
	"testing"
)

func TestACopyIsComparedWithItsImage(t *testing.T) {
	dir := t.TempDir()
	image, copied := filepath.Join(dir, "image"), filepath.Join(dir, "copy")
	f, err := os.Create(image)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	write := func(at int64, text string) {
		t.Helper()
		if _, err := f.WriteAt([]byte(text), at); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Truncate(8 << 20); err != nil {
		t.Fatal(err)
	}
	write(3<<20, "inode")
	if err := copyStill(image, copied); err != nil {
		t.Fatal(err)
	}
	check := func(what string, want bool) {
		t.Helper()
		if got, err := sameData(image, copied); err != nil || got != want {
			t.Errorf("%s: the same is %t, %v; want %t", what, got, err, want)
		}
	}
	check("a copy", true)
	write(6<<20, "journal")
	check("an image whose hole was written to", false)
	write(6<<20, "\x00\x00\x00\x00\x00\x00\x00")
	check("an image with zeros for a hole", true)
	write(3<<20, "Inode")
	check("an image that was changed in place", false)
}
