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

// loots are the files that the intruder fsyncs.
const loots = 500

// plant writes what is on the disk from the start.
func plant(t *testing.T, dir string) {
	t.Helper()
	for _, name := range []string{"var/log/auth.log", "var/log/kern.log", "etc/passwd", "etc/shadow", "usr/bin/su", "usr/bin/id", "srv/old/data", "srv/empty/x"} {
		write(t, filepath.Join(dir, name), []byte(name+"\n"))
	}
}

// TestTheLastSeconds copies a mounted disk on which 500 files were fsynced, others changed and some deleted, and finds
// what became of each although nothing of it stands in its place. What lay in its place and the changes together are what
// the kernel sees after its own recovery of the copy.
func TestTheLastSeconds(t *testing.T) {
	for name, prepare := range map[string]func(t *testing.T) string{
		"ext4": func(t *testing.T) string {
			source := t.TempDir()
			plant(t, source)
			return makeDisk(t, source, "256M", "-J", "size=64") // a small journal is full early, and written to its place
		},
		"xfs": func(t *testing.T) string { return makeXFS(t, func(dir string) { plant(t, dir) }) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			copied := attacked(t, prepare)
			v := openVolume(t, copied)
			found := changes(t, v, lastwrites.Options{Directories: true, Hash: lastwrites.NewBudget(1 << 30)})
			checkLoot(t, found)
			checkOthers(t, found)
			agree(t, v, found, copied)
		})
	}
}

func checkOthers(t *testing.T, found map[string]lastwrites.Change) {
	t.Helper()
	for name, want := range map[string]lastwrites.Kind{
		"var/log/auth.log": lastwrites.Deleted, "etc/passwd": lastwrites.Modified, "usr/bin/su": lastwrites.Metadata, "usr/bin/id": lastwrites.Modified,
		"srv/old": lastwrites.Deleted, "srv/old/data": lastwrites.Deleted, "srv/new": lastwrites.Added, "srv/new/data": lastwrites.Added,
		"srv/empty": lastwrites.Metadata, loot: lastwrites.Added, "home": lastwrites.Added,
	} {
		if ch := found[name]; ch.Kind != want || !ch.Alone {
			t.Errorf("%s: %+v, want %s", name, ch, want)
		}
	}
	su, passwd, data := found["usr/bin/su"], found["etc/passwd"], found["srv/new/data"]
	if !su.Setuid || !su.Program || su.SHA256 != hashOf([]byte("usr/bin/su\n")) || su.Before == nil || su.Before.Mode != "0644" || su.Mode != "4755" {
		t.Errorf("%+v, before %+v", su, su.Before)
	}
	if passwd.Before == nil || passwd.Before.Size != int64(len("etc/passwd\n")) || data.Before != nil {
		t.Errorf("%+v, before %+v; %+v", passwd, passwd.Before, data)
	}
	if len(found) != loots+11 {
		t.Errorf("%d changes", len(found))
	}
}

// TestHalfInPlace takes a disk whose journal was full in between, so that some of what was written stands in its place,
// and of some the name alone.
func TestHalfInPlace(t *testing.T) {
	t.Parallel()
	source := t.TempDir()
	plant(t, source)
	disk := makeDisk(t, source, "64M", "-J", "size=1")
	var copied string
	mounted(t, disk, func(dir string) {
		attack(t, dir, 250)
		copied = snapshot(t, disk)
	})
	v := openVolume(t, copied)
	found := changes(t, v, lastwrites.Options{Directories: true})
	for p, ch := range found {
		if ch.Kind == lastwrites.Unread || ch.SHA256 != "" {
			t.Errorf("%s: %+v", p, ch)
		}
	}
	if _, early := found["usr/bin/su"]; early || len(found) < 100 {
		t.Errorf("%d changes: nothing, or all, stood in its place", len(found))
	}
	agree(t, v, found, copied)
}

// attacked gives the copy of a disk of which nothing has reached its place. A sync(2) by anybody on this machine writes
// everything there; then it is tried again.
func attacked(t *testing.T, prepare func(t *testing.T) string) (copied string) {
	t.Helper()
	for range 5 {
		disk := prepare(t)
		mounted(t, disk, func(dir string) {
			attack(t, dir, loots)
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
func attack(t *testing.T, dir string, loots int) {
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
	for i := range loots {
		synced(t, at(fmt.Sprintf("%s/%03d", loot, i)), fmt.Appendf(nil, "loot %d\n", i), 0o600)
	}
}

func checkLoot(t *testing.T, found map[string]lastwrites.Change) {
	t.Helper()
	n := 0
	for i := range loots {
		ch := found[fmt.Sprintf("%s/%03d", loot, i)]
		if ch.Kind == lastwrites.Added && ch.Alone && ch.SHA256 == hashOf(fmt.Appendf(nil, "loot %d\n", i)) && ch.Problem == "" && ch.Inode != 0 {
			n++
		}
	}
	if n != loots {
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
