package lastwrites_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/firebreak-ir/firebreak/forensics/lastwrites"
	"github.com/firebreak-ir/firebreak/forensics/volume"
)

const loot = "home/loot"

// TestTheLastSeconds copies a mounted disk on which 500 files were fsynced, others changed and some deleted, and finds
// what became of each although nothing of it stands in its place. What lay in its place and the changes together are what
// the kernel sees after its own recovery of the copy.
func TestTheLastSeconds(t *testing.T) {
	source := t.TempDir()
	for _, name := range []string{"var/log/auth.log", "var/log/kern.log", "etc/passwd", "etc/shadow", "usr/bin/su", "usr/bin/id", "srv/old/data", "srv/empty/x"} {
		write(t, filepath.Join(source, name), []byte(name+"\n"))
	}
	copied := attacked(t, source)
	v := openVolume(t, copied)
	found := changes(t, v, lastwrites.Options{Directories: true, Hash: lastwrites.NewBudget(1 << 30)})
	checkLoot(t, found)
	for name, want := range map[string]lastwrites.Kind{
		"var/log/auth.log": lastwrites.Deleted, "etc/passwd": lastwrites.Modified, "usr/bin/su": lastwrites.Metadata, "usr/bin/id": lastwrites.Modified,
		"srv/old": lastwrites.Deleted, "srv/old/data": lastwrites.Deleted, "srv/new": lastwrites.Added, "srv/new/data": lastwrites.Added,
		"srv/empty": lastwrites.Metadata, loot: lastwrites.Added, "home": lastwrites.Added,
	} {
		if ch := found[name]; ch.Kind != want || !ch.Alone {
			t.Errorf("%s: %+v, want %s", name, ch, want)
		}
	}
	if su := found["usr/bin/su"]; !su.Setuid || !su.Program || su.SHA256 != hashOf([]byte("usr/bin/su\n")) {
		t.Errorf("%+v", su)
	}
	if len(found) != 500+11 {
		t.Errorf("%d changes", len(found))
	}
	agree(t, v, found, copied)
}

// TestHalfInPlace takes a disk whose journal was full in between, so that some of what was written stands in its place,
// and of some the name alone.
func TestHalfInPlace(t *testing.T) {
	source := t.TempDir()
	for _, name := range []string{"var/log/auth.log", "etc/passwd", "usr/bin/su", "usr/bin/id", "srv/old/data", "srv/empty/x"} {
		write(t, filepath.Join(source, name), []byte(name+"\n"))
	}
	disk := makeDisk(t, source, "64M")
	var copied string
	mounted(t, disk, func(dir string) {
		attack(t, dir)
		copied = snapshot(t, disk)
	})
	v := openVolume(t, copied)
	found := changes(t, v, lastwrites.Options{Directories: true})
	for p, ch := range found {
		if ch.Kind == lastwrites.Unread || ch.SHA256 != "" {
			t.Errorf("%s: %+v", p, ch)
		}
	}
	agree(t, v, found, copied)
}

// attacked gives the copy of a disk of which nothing has reached its place. A sync(2) by anybody on this machine writes
// everything there; then it is tried again.
func attacked(t *testing.T, source string) (copied string) {
	t.Helper()
	for range 5 {
		disk := makeDisk(t, source, "256M", "-J", "size=64") // a small journal is full early, and written to its place
		mounted(t, disk, func(dir string) {
			attack(t, dir)
			copied = snapshot(t, disk)
		})
		old, err := openVolume(t, copied).InPlace()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := old.Stat("home"); err != nil {
			break
		}
	}
	return copied
}

// attack leaves nothing unsynced, and syncs single files only: sync(2) would write the metadata to its place.
func attack(t *testing.T, dir string) {
	t.Helper()
	at := func(name string) string { return filepath.Join(dir, name) }
	err := errors.Join(
		os.Remove(at("var/log/auth.log")),
		os.Chmod(at("usr/bin/su"), 0o755|fs.ModeSetuid),
		os.Rename(at("srv/old"), at("srv/new")),
		os.Chmod(at("srv/empty"), 0o777),
	)
	if err != nil {
		t.Error(err)
	}
	synced(t, at("etc/passwd"), []byte("eve::0:0::/:/bin/sh\n"), 0o644)
	synced(t, at("usr/bin/.id"), []byte("another id\n"), 0o755)
	if err := os.Rename(at("usr/bin/.id"), at("usr/bin/id")); err != nil {
		t.Error(err)
	}
	for i := range 500 {
		synced(t, at(fmt.Sprintf("%s/%03d", loot, i)), fmt.Appendf(nil, "loot %d\n", i), 0o600)
	}
}

func checkLoot(t *testing.T, found map[string]lastwrites.Change) {
	t.Helper()
	n := 0
	for i := range 500 {
		ch := found[fmt.Sprintf("%s/%03d", loot, i)]
		if ch.Kind == lastwrites.Added && ch.Alone && ch.SHA256 == hashOf(fmt.Appendf(nil, "loot %d\n", i)) && ch.Problem == "" && ch.Inode != 0 {
			n++
		}
	}
	if n != 500 {
		t.Errorf("%d of 500 files that only the journal knows", n)
	}
}

func hashOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// agree applies the changes to what lies in its place, and compares the outcome with the kernel's view of the copy.
func agree(t *testing.T, v interface {
	InPlace() (volume.FS, error)
}, found map[string]lastwrites.Change, copied string) {
	t.Helper()
	old, err := v.InPlace()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	note := func(p string, d fs.DirEntry, err error) error { // the journal mends the damage
		if err == nil {
			if info, err := d.Info(); err == nil && info != nil {
				all[p] = true
			}
		}
		return nil
	}
	if err := old.Walk(".", note); err != nil {
		t.Fatal(err)
	}
	for p, ch := range found {
		switch ch.Kind {
		case lastwrites.Added:
			if all[p] {
				t.Errorf("%q was added and there before", p)
			}
			all[p] = true
		case lastwrites.Deleted:
			delete(all, p)
		default:
			if !all[p] {
				t.Errorf("%q is %s and was not there", p, ch.Kind)
			}
		}
	}
	kernel := map[string]bool{}
	mounted(t, copied, func(dir string) {
		err := fs.WalkDir(os.DirFS(dir), ".", func(p string, _ fs.DirEntry, err error) error {
			kernel[p] = true
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
	if ours, theirs := slices.Sorted(maps.Keys(all)), slices.Sorted(maps.Keys(kernel)); !slices.Equal(ours, theirs) {
		t.Errorf("ours and the kernel's:\n%s\n\n%s", strings.Join(ours, "\n"), strings.Join(theirs, "\n"))
	}
}
