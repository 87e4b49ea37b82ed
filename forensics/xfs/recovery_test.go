package xfs_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/firebreak-ir/firebreak/forensics/volume/kerneltest"
	"github.com/firebreak-ir/firebreak/forensics/xfs"
)

// attack does what an intruder does in the seconds before the disk is frozen: each change is on the disk when it returns.
func (z zoo) attack() {
	for i := range 500 {
		z.synced(fmt.Sprintf("attack/%d/%03d", i%7, i), pattern(i*37))
	}
	for i := range 40 {
		z.must(os.Remove(z.path(fmt.Sprintf("before/%02d", i))))
		z.must(os.Rename(z.path(fmt.Sprintf("before/%02d", i+40)), z.path(fmt.Sprintf("attack/renamed %d", i))))
		z.must(os.Truncate(z.path(fmt.Sprintf("before/%02d", i+80)), int64(i*100)))
		z.setAttr(fmt.Sprintf("before/%02d", i+120), "user.changed", pattern(i*50))
		z.must(os.Chmod(z.path(fmt.Sprintf("before/%02d", i+160)), 0o4755))
	}
	z.must(os.RemoveAll(z.path("gone")))
	z.must(os.Symlink(strings.Repeat("l/", 400), z.path("attack/link")))
	z.must(unix.Mknod(z.path("attack/device"), unix.S_IFCHR|0o600, int(unix.Mkdev(1, 5))))
	z.fragmented("attack/fragmented", 300)
	z.unnamed("attack", 150)
	z.names(300, 100, "attack/names")
	z.synced("attack/last", []byte("last"))
}

// before makes what the attack changes.
func (z zoo) before() {
	for i := range 200 {
		z.write(fmt.Sprintf("before/%02d", i), pattern(i*113))
		z.write(fmt.Sprintf("gone/%d/%d", i%9, i), pattern(i))
		z.setAttr(fmt.Sprintf("before/%02d", i), "user.before", pattern(i))
	}
	z.fragmented("gone/fragmented", 400)
}

// synced writes a file, and waits until the disk has it.
func (z zoo) synced(name string, content []byte) {
	z.Helper()
	z.write(name, content)
	z.withFile(name, unix.Fsync)
}

// TestRecovery reads images that were copied while the kernel had them mounted, and holds what we make of the log against
// what the kernel makes of it.
func TestRecovery(t *testing.T) {
	for name, options := range map[string][]string{
		"default": nil, "1k": {"-b", "size=1024"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			image := emptyImage(t, 128, append([]string{"-l", "size=24m"}, options...)...)
			dir, unmount := kerneltest.Mount(t, "xfs", image, "rw")
			z := zoo{TB: t, root: dir}
			z.before()
			unmount() // so that what follows stands in the log alone
			dir, unmount = kerneltest.Mount(t, "xfs", image, "rw")
			z.root = dir
			z.attack()
			copied := kerneltest.CrashCopy(t, image)
			unmount()
			disk := openImage(t, copied, xfs.Options{})
			for _, d := range disk.Damage() {
				if !strings.Contains(d.Error(), "have no name any more") {
					t.Errorf("damage: %v", d)
				}
			}
			kerneltest.Compare(t, disk, kerneltest.Recovered(t, "xfs", copied, "noatime"))
			inPlace := openImage(t, copied, xfs.Options{SkipJournal: true})
			if seen, found := count(inPlace, "attack"), count(disk, "attack"); seen != 0 || found < 500 {
				t.Errorf("of the attack, %d entries are seen without the log and %d with it", seen, found)
			}
		})
	}
}

// TestExchangedBlocks replays what xfs_fsr does: two files exchange their blocks, and trees of extents their owners. No
// kernel up to 6.18 mounts such a log (it verifies the inode before its checksum is made anew), so that the file system
// that was not stopped is what we compare with.
func TestExchangedBlocks(t *testing.T) {
	t.Parallel()
	image := emptyImage(t, 64, "-m", "rmapbt=0")
	dir, unmount := kerneltest.Mount(t, "xfs", image, "rw,noatime")
	z := zoo{TB: t, root: dir}
	z.fragmented("file", 300)
	z.fragmented("donor", 200)
	z.must(os.Truncate(z.path("donor"), 300*2*4096+1))
	unmount() // the trees now stand in their place
	dir, _ = kerneltest.Mount(t, "xfs", image, "rw,noatime")
	z.root = dir
	kerneltest.Run(t, "xfs_io", "-c", "swapext "+z.path("donor"), z.path("file"))
	z.synced("last", nil)
	disk := openImage(t, kerneltest.CrashCopy(t, image), xfs.Options{})
	kerneltest.Compare(t, disk, dir)
	if d := disk.Damage(); len(d) != 0 || disk.Replayed().Transactions == 0 {
		t.Errorf("%+v, damage %v", disk.Replayed(), d)
	}
}

// count gives how many entries a directory of directories has.
func count(disk *xfs.FS, dir string) int {
	n := 0
	entries, _ := disk.ReadDir(dir)
	for _, e := range entries {
		n++
		if e.IsDir() {
			n += count(disk, dir+"/"+e.Name())
		}
	}
	return n
}
