package ebsfront

import (
	"os"
	"path/filepath"
	"strings"
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
	if err := copyStill([]copying{{image, copied}}, copySparse); err != nil {
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

// A database writes its log on one volume before its data on the other: a set with the data alone never was.
func TestSeveralImagesAreCopiedAsTheyWereAtOneMoment(t *testing.T) {
	dir := t.TempDir()
	log, data := copying{filepath.Join(dir, "log"), filepath.Join(dir, "log.copy")}, copying{filepath.Join(dir, "data"), filepath.Join(dir, "data.copy")}
	write := func(text string) {
		t.Helper()
		for _, c := range []copying{log, data} {
			if err := os.WriteFile(c.from, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	write("before")
	copies := 0
	err := copyStill([]copying{log, data}, func(from, to string) error {
		if copies++; copies == 2 { // the log was copied, the data is next
			write("after!")
		}
		return copySparse(from, to)
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []copying{log, data} {
		if raw, err := os.ReadFile(c.to); err != nil || string(raw) != "after!" {
			t.Errorf("%s holds %q, %v", filepath.Base(c.to), raw, err)
		}
	}
	if copies != 3 {
		t.Errorf("%d copies were made, want the log's a second time", copies)
	}
}

func TestAnImageThatNeverRestsIsNamed(t *testing.T) {
	dir := t.TempDir()
	busy := copying{filepath.Join(dir, "busy"), filepath.Join(dir, "copy")}
	if err := os.WriteFile(busy.from, []byte("0"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := copyStill([]copying{busy}, func(from, to string) error {
		if err := copySparse(from, to); err != nil {
			return err
		}
		raw, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		return os.WriteFile(from, []byte{raw[0] + 1}, 0o600)
	})
	if err == nil || !strings.Contains(err.Error(), busy.from) {
		t.Errorf("got %v", err)
	}
}
