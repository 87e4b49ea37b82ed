package inventory_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/forensics/inventory"
)

// line is what the host knows of an entry that mkfs copies.
type line struct {
	Path           string
	Mode, UID, GID uint32
	Size           int64
	Links          uint32
	Target, SHA256 string
}

// TestAgainstSource compares entries and hashes with the directory that mkfs copied.
func TestAgainstSource(t *testing.T) {
	source := sourceTree(t)
	var got []line
	for _, e := range scan(t, openImage(t, makeImage(t, source, "64M")), inventory.Options{Hash: true}) {
		if e.Path == "." || e.Path == "lost+found" {
			continue
		}
		if e.Problem != "" {
			t.Errorf("%q: %s", e.Path, e.Problem)
		}
		l := line{e.Path, e.Stat.Mode, e.Stat.UID, e.Stat.GID, e.Stat.Size, e.Stat.Links, e.Target, e.SHA256}
		if e.Stat.Mode&0xF000 == 0x4000 {
			l.Size, l.Links = 0, 0
		}
		got = append(got, l)
	}
	if diff := cmp.Diff(hostTree(t, source), got); diff != "" {
		t.Errorf("the image differs from its source (-want +got):\n%s", diff)
	}
}

func hostTree(t testing.TB, root string) []line {
	t.Helper()
	var out []line
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || p == root {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		st := info.Sys().(*syscall.Stat_t)
		l := line{Mode: st.Mode, UID: st.Uid, GID: st.Gid, Size: st.Size, Links: uint32(st.Nlink)}
		l.Path, _ = filepath.Rel(root, p)
		switch {
		case d.IsDir():
			l.Size, l.Links = 0, 0
		case info.Mode().IsRegular():
			b, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			sum := sha256.Sum256(b)
			l.SHA256 = hex.EncodeToString(sum[:])
		default:
			l.Target, _ = os.Readlink(p)
		}
		out = append(out, l)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestGoesOn breaks a scan off behind every so many entries, goes on from the cursor, and wants the same list.
func TestGoesOn(t *testing.T) {
	disk := openImage(t, makeImage(t, sourceTree(t), "64M"))
	want := scan(t, disk, inventory.Options{Hash: true})
	for _, step := range []int{1000, 333, 70} {
		var got []inventory.Entry
		after, stop := "", errors.New("stop")
		for err := stop; errors.Is(err, stop); {
			n := 0
			err = inventory.Scan(t.Context(), disk, inventory.Options{Hash: true, After: after}, func(e inventory.Entry) error {
				if n++; n > step {
					return stop
				}
				if after = e.Cursor(); !utf8.ValidString(after) {
					t.Errorf("the cursor %q would not survive JSON", after)
				}
				got = append(got, e)
				return nil
			})
			if err != nil && !errors.Is(err, stop) {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(inventory.Entry{})); diff != "" {
			t.Errorf("in steps of %d (-whole +steps):\n%s", step, diff)
		}
	}
}

// TestForeignCursor refuses to go on behind what is not there: it would give an empty list.
func TestForeignCursor(t *testing.T) {
	disk := openImage(t, makeImage(t, t.TempDir(), "8M"))
	err := inventory.Scan(t.Context(), disk, inventory.Options{After: "no/such"}, func(inventory.Entry) error { return nil })
	var foreign *inventory.CursorError
	if !errors.As(err, &foreign) || foreign.Cursor != "no/such" {
		t.Errorf("%v", err)
	}
}

// TestCalledOff ends with the context's error.
func TestCalledOff(t *testing.T) {
	disk := openImage(t, makeImage(t, sourceTree(t), "64M"))
	ctx, cancel := context.WithCancel(t.Context())
	err := inventory.Scan(ctx, disk, inventory.Options{Hash: true}, func(inventory.Entry) error {
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// TestTooLong leaves a file out that is longer than was allowed, and says so.
func TestTooLong(t *testing.T) {
	disk := openImage(t, makeImage(t, sourceTree(t), "64M"))
	left := 0
	for _, e := range scan(t, disk, inventory.Options{Hash: true, MaxHashBytes: 3 << 20}) {
		if (e.Problem != "") != (e.Path == "sparse") {
			t.Errorf("%q: %q", e.Path, e.Problem)
		}
		if e.Problem != "" {
			left++
		}
	}
	if left != 1 {
		t.Errorf("%d files were left out", left)
	}
}
