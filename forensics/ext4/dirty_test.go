package ext4_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/firebreak-ir/firebreak/forensics/ext4"
	"github.com/firebreak-ir/firebreak/forensics/volume/kerneltest"
)

// dirty are the file systems and mounts whose last seconds are compared with what the kernel recovers.
func dirty() map[string]struct{ make, mount string } {
	return map[string]struct{ make, mount string }{
		"default":         {"", "rw"},
		"no checksums":    {"-O ^metadata_csum", "rw"},
		"32 bit":          {"-O ^64bit,^metadata_csum -b 1024", "rw"},
		"data in journal": {"-J size=32", "data=journal"},
		"writeback":       {"", "data=writeback"},
		"small journal":   {"-b 1024 -J size=1", "rw"},
		"fast commits":    {"-O fast_commit", "rw"},
		"orphan file":     {"-O orphan_file", "rw"},
		"inline":          {"-O inline_data -I 512", "rw"},
		"checksummed":     {"-O ^metadata_csum", "journal_checksum"},
		"async commit":    {"", "journal_async_commit,data=writeback"},
	}
}

// TestLastWrites compares a copy of a disk in use with what the kernel shows after it has recovered another copy.
func TestLastWrites(t *testing.T) {
	for name, layout := range dirty() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			image := blankImage(t, "128M", strings.Fields(layout.make)...)
			dir, unmount := kerneltest.Mount(t, "ext4", image, layout.mount)
			before(t, dir)
			for i := range 500 {
				writeSynced(t, filepath.Join(dir, fmt.Sprintf("attacker/dropped-%03d", i)), pattern(i*20))
			}
			others(t, dir)
			open := unlinked(t, dir)
			copied := kerneltest.CrashCopy(t, image)
			must(t, open.Close())
			unmount()
			disk := openImage(t, copied, ext4.Options{})
			got := kerneltest.Read(t, disk, false)
			found := 0
			for path := range got {
				if path == "attacker" || strings.HasPrefix(path, "attacker/") {
					found++
				}
			}
			if found != 501 {
				t.Errorf("%d of 501 new entries", found)
			}
			kerneltest.Same(t, kerneltest.Kernel(t, kerneltest.Recovered(t, "ext4", copied, "")), got, kerneltest.Options{Forget: forgotten(layout.make)})
			if d := disk.Damage(); len(d) != 0 {
				t.Errorf("damage in a sound image: %v", d)
			}
			orphaned(t, disk)
		})
	}
}

// forgotten blanks what the kernel sets to the time of recovery.
func forgotten(options string) func(string, *kerneltest.Entry) {
	return func(path string, e *kerneltest.Entry) {
		if strings.Contains(options, "fast_commit") {
			recoveredTimes(path, e)
		}
	}
}

// others deletes, renames, shortens, and reuses blocks of directories, whose copies in the journal are revoked.
func others(t testing.TB, dir string) {
	t.Helper()
	p := func(name string) string { return filepath.Join(dir, name) }
	for round := range 3 {
		for i := range 7 {
			writeSynced(t, p(fmt.Sprintf("gone/%d/file", i)), append([]byte{0xC0, 0x3B, 0x39, 0x98}, pattern(9000)...))
		}
		must(t, os.RemoveAll(p("gone")))
		writeSynced(t, p(fmt.Sprintf("instead-%d", round)), append([]byte{0xC0, 0x3B, 0x39, 0x98}, pattern(60_000)...))
	}
	must(t, os.Remove(p("old/3")), os.Rename(p("old/4"), p("old/5")), os.Rename(p("old/6"), p("attacker-6")), os.Truncate(p("old/30"), 5), os.Truncate(p("old/31"), 300_000))
	must(t, os.Symlink("x", p("link")), os.Symlink(strings.Repeat("y", 200), p("long link")), unix.Mknod(p("device"), unix.S_IFCHR, int(unix.Mkdev(300, 5))))
	must(t, os.Mkdir(p("empty"), 0o700), unix.Setxattr(p("old/7"), "user.note", pattern(200), 0), os.Link(p("old/8"), p("old/8 too")))
	writeSynced(t, p("last"), []byte("last"))
}

// unlinked deletes a file that stays open.
func unlinked(t testing.TB, dir string) *os.File {
	t.Helper()
	name := filepath.Join(dir, "open")
	f, err := os.Create(name)
	must(t, err)
	_, err = f.Write(pattern(50_000))
	must(t, err, f.Sync(), os.Remove(name))
	syncFile(t, filepath.Join(dir, "last"))
	must(t, unix.Setxattr(filepath.Join(dir, "last"), "user.a", []byte("b"), 0)) // something to commit with it
	syncFile(t, filepath.Join(dir, "last"))
	return f
}

// orphaned finds the file of unlinked, with its bytes.
func orphaned(t *testing.T, disk *ext4.FS) {
	t.Helper()
	list, err := disk.Orphans()
	if err != nil {
		t.Error(err)
	}
	for _, o := range list {
		if !o.Deleted || o.Info.Size() != 50_000 {
			continue
		}
		f, err := disk.OpenFound(o.Info)
		must(t, err)
		b, err := io.ReadAll(f)
		if must(t, err); string(b) == string(pattern(50_000)) {
			return
		}
	}
	t.Errorf("the deleted file that was open is not among %d orphans", len(list))
}

// TestTornTransaction leaves out, as e2fsck does, a transaction of which a copy did not reach the disk, where only the
// checksum in its commit block shows that.
func TestTornTransaction(t *testing.T) {
	image := blankImage(t, "32M", "-b", "1024", "-O", "^metadata_csum", "-J", "size=1")
	dir, unmount := kerneltest.Mount(t, "ext4", image, "journal_checksum")
	for i := range 8 {
		writeSynced(t, filepath.Join(dir, fmt.Sprint(i)), pattern(100))
	}
	copied := kerneltest.CrashCopy(t, image)
	unmount()
	b, err := os.ReadFile(copied)
	must(t, err)
	last := bytes.LastIndex(b, []byte(logBlock(2)))
	b[last-1024+700] ^= 0x55 // in the copy before the commit block
	must(t, os.WriteFile(copied, b, 0o600))
	disk := openBytes(t, bytes.NewReader(b), len(b))
	if said := fmt.Sprint(disk.Damage()); !strings.Contains(said, "not whole") {
		t.Errorf("damage %s, %+v", said, disk.Replayed())
	}
	if diff := cmp.Diff(repaired(t, copied), imageTree(t, disk)); diff != "" { // the kernel mounts it no more
		t.Errorf("the image differs from the one that e2fsck repaired (-want +got):\n%s", diff)
	}
}

// TestShortened reads a file that was being shortened as the kernel shows it when it has finished that.
func TestShortened(t *testing.T) {
	source := t.TempDir()
	write(t, filepath.Join(source, "long"), pattern(500_000))
	image := makeImage(t, source, "16M", "-b", "1024")
	n := inodeOf(t, openImage(t, image, ext4.Options{}), "long")
	script(t, image, fmt.Sprintf("set_inode_field long size 70001\nset_super_value last_orphan %d", n))
	disk := openImage(t, image, ext4.Options{})
	list, err := disk.Orphans()
	if must(t, err); len(list) != 1 || list[0].Deleted || list[0].Info.Name() != fmt.Sprintf("#%d", n) {
		t.Fatalf("orphans: %+v", list)
	}
	recovered := kerneltest.Recovered(t, "ext4", image, "")
	var st unix.Stat_t
	if must(t, unix.Stat(filepath.Join(recovered, "long"), &st)); st.Blocks*512 >= 500_000 {
		t.Fatalf("the kernel shortened nothing: %d sectors", st.Blocks)
	}
	kerneltest.CompareWith(t, disk, recovered, kerneltest.Options{Forget: func(path string, e *kerneltest.Entry) {
		if path == "long" { // the kernel says that it was changed now
			e.Stat.Modified, e.Stat.Changed = e.Stat.Accessed, e.Stat.Accessed
		}
	}})
}

// TestOrphansInCircles ends, and says where.
func TestOrphansInCircles(t *testing.T) {
	source := t.TempDir()
	write(t, filepath.Join(source, "file"), nil)
	image := makeImage(t, source, "8M")
	n := inodeOf(t, openImage(t, image, ext4.Options{}), "file")
	script(t, image, fmt.Sprintf("set_inode_field file dtime %d\nset_super_value last_orphan %d", n, n))
	if list, err := openImage(t, image, ext4.Options{}).Orphans(); len(list) != 1 || err == nil || !strings.Contains(err.Error(), "goes on with inode") {
		t.Errorf("%d orphans, %v", len(list), err)
	}
}
