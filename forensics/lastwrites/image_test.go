package lastwrites_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/firebreak-ir/firebreak/forensics/block"
	"github.com/firebreak-ir/firebreak/forensics/image"
	"github.com/firebreak-ir/firebreak/forensics/lastwrites"
	"github.com/firebreak-ir/firebreak/internal/labenv"
)

// makeDisk lets mkfs.ext4 fill an image from a directory.
func makeDisk(t *testing.T, source, size string, options ...string) string {
	t.Helper()
	labenv.NeedTool(t, "mkfs.ext4", "apt-get install e2fsprogs")
	disk := filepath.Join(t.TempDir(), "disk.img")
	if out, err := exec.Command("mkfs.ext4", append(options, "-q", "-F", "-d", source, disk, size)...).CombinedOutput(); err != nil {
		t.Fatalf("mkfs.ext4: %v\n%s", err, out)
	}
	return disk
}

// makeXFS makes an image and lets fill write what is on it from the start.
func makeXFS(t *testing.T, fill func(dir string)) string {
	t.Helper()
	labenv.NeedTool(t, "mkfs.xfs", "apt-get install xfsprogs")
	disk := filepath.Join(t.TempDir(), "disk.img")
	if out, err := exec.Command("mkfs.xfs", "-q", "-d", "file,size=320m,name="+disk).CombinedOutput(); err != nil {
		t.Fatalf("mkfs.xfs: %v\n%s", err, out)
	}
	mounted(t, disk, fill)
	return disk
}

// mounted mounts an image while do works in it. One that was in use is recovered by the kernel.
func mounted(t *testing.T, disk string, do func(dir string)) {
	t.Helper()
	if os.Getuid() != 0 {
		labenv.LeaveOut(t, "loop mounts need root")
	}
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-o", "loop", disk, dir).CombinedOutput(); err != nil {
		labenv.LeaveOut(t, "this machine cannot loop-mount the disk: %v: %s", err, out)
	}
	do(dir)
	if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
		t.Fatalf("umount: %v: %s", err, out)
	}
}

// snapshot copies a mounted disk. The kernel may write while cp reads, so the copy has to agree with the disk afterwards.
func snapshot(t *testing.T, disk string) string {
	t.Helper()
	copied := disk + ".copy"
	for range 20 {
		if out, err := exec.Command("cp", "--sparse=always", disk, copied).CombinedOutput(); err != nil {
			t.Errorf("cp: %v: %s", err, out)
		}
		if exec.Command("cmp", "-s", disk, copied).Run() == nil {
			return copied
		}
	}
	t.Errorf("%s does not stand still", disk)
	return copied
}

func openVolume(t *testing.T, disk string) image.Volume {
	t.Helper()
	f, err := block.OpenFile(disk)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	img, err := image.Open(f, image.Options{})
	if err != nil || len(img.Volumes) != 1 {
		t.Fatalf("%v, %+v", err, img)
	}
	return img.Volumes[0]
}

// changes gives what Compare finds, by path.
func changes(t *testing.T, v image.Volume, opts lastwrites.Options) map[string]lastwrites.Change {
	t.Helper()
	found := map[string]lastwrites.Change{}
	err := lastwrites.Compare(t.Context(), v, opts, func(ch lastwrites.Change) error {
		if earlier, twice := found[ch.Path]; twice {
			t.Errorf("%q twice: %+v, %+v", ch.Path, earlier, ch)
		}
		found[ch.Path] = ch
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func write(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, content, 0o644)); err != nil {
		t.Error(err)
	}
}

// synced writes a file as a program does that wants it to last: its directory's journal is committed with it.
func synced(t *testing.T, name string, content []byte, mode fs.FileMode) {
	t.Helper()
	write(t, name, content)
	if err := os.Chmod(name, mode); err != nil {
		t.Error(err)
	}
	syncFile(t, name)
}

func syncFile(t *testing.T, name string) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Error(err)
		return
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		t.Error(err)
	}
}
