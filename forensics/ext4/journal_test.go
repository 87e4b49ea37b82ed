package ext4_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/forensics/ext4"
	"github.com/firebreak-ir/firebreak/internal/labenv"
)

const journalMagic = 0xC03B3998

// mount loop-mounts an image until the test ends, or until the function that it gives is called.
func mount(t testing.TB, image, options string) (dir string, unmount func()) {
	t.Helper()
	if os.Getuid() != 0 {
		labenv.LeaveOut(t, "loop mounts need root")
	}
	dir = t.TempDir()
	if out, err := exec.Command("mount", "-t", "ext4", "-o", options, image, dir).CombinedOutput(); err != nil {
		labenv.LeaveOut(t, "this machine cannot loop-mount ext4: %v: %s", err, out)
	}
	mounted := true
	unmount = func() {
		if mounted {
			mounted = false
			run(t, "umount", dir)
		}
	}
	t.Cleanup(unmount)
	return dir, unmount
}

// writeSynced writes a file and syncs it alone: syncing the whole file system would write the metadata in its place.
func writeSynced(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
}

// crashCopy is what an EBS snapshot of a mounted disk holds: the disk at one moment. cp is not that fast, and the kernel
// may write while it reads, so two copies have to agree.
func crashCopy(t testing.TB, image string) string {
	t.Helper()
	copied := filepath.Join(t.TempDir(), "snapshot.img")
	for range 20 {
		run(t, "cp", "--sparse=always", image, copied)
		if exec.Command("cmp", "-s", image, copied).Run() == nil {
			return copied
		}
	}
	t.Fatalf("%s does not stand still", image)
	return ""
}

// repaired is the listing of the same image after e2fsck has replayed its journal and repaired it.
func repaired(t testing.TB, image string) map[string]string {
	t.Helper()
	copied := crashCopy(t, image)
	out, err := exec.Command("e2fsck", "-fy", copied).CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && (!errors.As(err, &exit) || exit.ExitCode() > 1) {
		t.Fatalf("e2fsck: %v\n%s", err, out)
	}
	return imageTree(t, openImage(t, copied, ext4.Options{}))
}

// TestLastSeconds is why this package exists: what was written just before the snapshot stands in the journal alone.
func TestLastSeconds(t *testing.T) {
	layouts := map[string]struct{ make, mount string }{
		"checksum v3":     {"", "loop"},
		"no checksums":    {"-O ^metadata_csum", "loop"},
		"32 bit":          {"-O ^64bit,^metadata_csum -b 1024", "loop"},
		"32 bit, sums":    {"-O ^64bit", "loop"},
		"data in journal": {"-J size=32", "loop,data=journal"},
		"small journal":   {"-b 1024 -J size=1", "loop"},
	}
	for name, layout := range layouts {
		t.Run(name, func(t *testing.T) {
			image := makeImage(t, t.TempDir(), "128M", strings.Fields(layout.make)...)
			dir, unmount := mount(t, image, layout.mount)
			attack(t, dir, 200)
			copied := crashCopy(t, image)
			unmount()
			compareReplay(t, copied)
		})
	}
}

// attack drops files, deletes some, and reuses the blocks of a deleted directory, which revokes their copies.
func attack(t testing.TB, dir string, files int) {
	t.Helper()
	magic := binary.BigEndian.AppendUint32(nil, journalMagic)
	for i := range files {
		writeSynced(t, filepath.Join(dir, "attacker", fmt.Sprintf("dropped-%03d", i)), append(magic, pattern(i*40)...))
		writeSynced(t, filepath.Join(dir, fmt.Sprintf("gone/%d/file", i%7)), pattern(9000))
		if i%10 == 9 {
			if err := os.RemoveAll(filepath.Join(dir, "gone")); err != nil {
				t.Fatal(err)
			}
		}
	}
	writeSynced(t, filepath.Join(dir, "last"), []byte("last"))
}

func compareReplay(t *testing.T, image string) {
	t.Helper()
	disk := openImage(t, image, ext4.Options{})
	got, want := imageTree(t, disk), repaired(t, image)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the replayed image differs from the one that e2fsck repaired (-want +got):\n%s", diff)
	}
	if want["last"] == "" || want["attacker/dropped-199"] == "" {
		t.Errorf("the repaired image has not even the files: %d entries", len(want))
	}
	if r := disk.Replayed(); !r.Needed || r.Transactions == 0 || r.Blocks == 0 || r.LastCommit.IsZero() {
		t.Errorf("replayed: %+v", r)
	} else {
		t.Logf("replayed: %+v, damage %v", r, disk.Damage())
	}
	in := openImage(t, image, ext4.Options{SkipJournal: true})
	if _, err := in.Lstat("last"); err == nil {
		t.Error("the newest file is in its place already: the test shows nothing")
	}
}

// TestWrap takes copies while the log of a small journal goes round and round.
func TestWrap(t *testing.T) {
	image := makeImage(t, t.TempDir(), "32M", "-b", "1024", "-J", "size=1")
	dir, _ := mount(t, image, "loop")
	for round := range 8 {
		for i := range 60 {
			writeSynced(t, filepath.Join(dir, fmt.Sprintf("round-%d/%d", round, i)), pattern(round+i))
		}
		copied := crashCopy(t, image)
		disk := openImage(t, copied, ext4.Options{})
		if diff := cmp.Diff(repaired(t, copied), imageTree(t, disk)); diff != "" {
			t.Fatalf("round %d, %+v: (-want +got):\n%s", round, disk.Replayed(), diff)
		}
	}
}

// TestKernelMount compares with the kernel: extended attributes, devices, unwritten extents, odd modes, owners and times.
func TestKernelMount(t *testing.T) {
	for name, options := range map[string]string{"default": "", "inline": "-O inline_data -I 512", "1k": "-b 1024"} {
		t.Run(name, func(t *testing.T) {
			image := makeImage(t, t.TempDir(), "64M", strings.Fields(options)...)
			dir, unmount := mount(t, image, "loop")
			oddFiles(t, dir)
			want := hostTree(t, dir)
			copied := crashCopy(t, image)
			unmount()
			got := imageTree(t, openImage(t, image, ext4.Options{}))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("after unmount (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(repaired(t, copied), imageTree(t, openImage(t, copied, ext4.Options{}))); diff != "" {
				t.Errorf("while mounted (-want +got):\n%s", diff)
			}
		})
	}
}

func oddFiles(t testing.TB, dir string) {
	t.Helper()
	run(t, "mknod", filepath.Join(dir, "null"), "c", "1", "3")
	run(t, "mknod", filepath.Join(dir, "whiteout"), "c", "0", "0")
	run(t, "mkfifo", filepath.Join(dir, "pipe"))
	writeSynced(t, filepath.Join(dir, "owned"), pattern(100))
	run(t, "chown", "70000:80000", filepath.Join(dir, "owned"))
	run(t, "touch", "-d", "2100-01-01T00:00:00.123456789Z", filepath.Join(dir, "owned"))
	run(t, "fallocate", "-l", "300000", filepath.Join(dir, "unwritten"))
	sparse(t, filepath.Join(dir, "sparse"))
	for i := range 300 { // one block in two: more extents than an inode holds
		f, err := os.OpenFile(filepath.Join(dir, "pieces"), os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt([]byte("piece"), int64(i)*8192); err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	for i := range 40 {
		writeSynced(t, filepath.Join(dir, fmt.Sprintf("small/%d", i)), pattern(i*10))
	}
	run(t, "sync", filepath.Join(dir, "pieces"), filepath.Join(dir, "sparse"))
}
