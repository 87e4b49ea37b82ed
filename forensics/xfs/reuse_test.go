package xfs_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/firebreak-ir/firebreak/forensics/volume/kerneltest"
	"github.com/firebreak-ir/firebreak/forensics/xfs"
)

// fillUp writes a file until the disk is full, and then gives so many bytes back.
func (z zoo) fillUp(name string, but int64) {
	z.Helper()
	z.withFile(name, func(fd int) error {
		size := int64(0)
		for length := 1 << 20; length >= 4096; {
			n, err := unix.Write(fd, pattern(length))
			size += int64(max(n, 0))
			switch {
			case errors.Is(err, unix.ENOSPC):
				length /= 2
			case err != nil:
				return err
			}
		}
		return errors.Join(unix.Ftruncate(fd, max(size-but, 0)), unix.Fsync(fd))
	})
}

// TestUnwrittenSpace reads zeros from space that is allocated and not written, where the disk has bytes of another file.
func TestUnwrittenSpace(t *testing.T) {
	t.Parallel()
	image := emptyImage(t, 48)
	dir, unmount := kerneltest.Mount(t, "xfs", image, "rw")
	z := zoo{TB: t, root: dir}
	z.fillUp("full", 0)
	z.must(os.Remove(z.path("full")))
	kerneltest.Run(t, "sync", "-f", dir)
	z.files()
	unmount()
	dir, _ = kerneltest.Mount(t, "xfs", image, "ro")
	disk := openImage(t, image, xfs.Options{})
	kerneltest.Compare(t, disk, dir)
	f, err := disk.Open("sparse/unwritten")
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(io.LimitReader(f, 8<<20))
	if err != nil || len(b) != 3<<20+4096 || b[2<<20] != 0 {
		t.Errorf("%d bytes, %v", len(b), err)
	}
}

// TestReusedBlocks keeps what the log says of a directory's blocks off the file that got them: they were cancelled. A busy
// machine's kernel may write all in its place meanwhile, and then there is nothing to keep off.
func TestReusedBlocks(t *testing.T) {
	t.Parallel()
	for range 6 {
		image := reused(t)
		disk := openImage(t, image, xfs.Options{})
		kerneltest.Compare(t, disk, kerneltest.Recovered(t, "xfs", image, "noatime"))
		if disk.Replayed().Revoked > 0 {
			return
		}
	}
	t.Error("nothing was cancelled: the test has lost its point")
}

// reused gives an image in whose log a directory was made and removed, whose blocks a file has by now.
func reused(t *testing.T) string {
	t.Helper()
	image := emptyImage(t, 48)
	dir, unmount := kerneltest.Mount(t, "xfs", image, "rw")
	z := zoo{TB: t, root: dir}
	z.fillUp("full", 1<<20)
	unmount()
	dir, unmount = kerneltest.Mount(t, "xfs", image, "rw")
	defer unmount()
	z.root = dir
	z.synced("first", pattern(10)) // while it stands in the log alone, the log is needed from here on
	z.names(3000, 100, "dir")
	kerneltest.Run(t, "sync", "-f", dir)
	z.must(os.RemoveAll(z.path("dir")))
	kerneltest.Run(t, "sync", "-f", dir)
	var st unix.Statfs_t
	z.must(unix.Statfs(dir, &st))
	z.synced("reused", pattern(int(st.Bavail)*int(st.Bsize)-64<<10)) // not all of it: a full disk makes the kernel write its log in place
	return kerneltest.CrashCopy(t, image)
}

// unnamed makes so many files without a name that they stand behind one another in the lists of deleted inodes, and gives
// them names: the buffers that hold the lists are logged with inodes that are older than those in the log.
func (z zoo) unnamed(dir string, count int) {
	z.Helper()
	var files []int
	for i := range count {
		fd, err := unix.Open(z.path(dir), unix.O_TMPFILE|unix.O_RDWR, 0o640)
		z.must(err)
		_, err = unix.Write(fd, pattern(i*7))
		z.must(errors.Join(err, unix.Fsync(fd))) // what is logged later is the name alone
		files = append(files, fd)
	}
	for i, fd := range files {
		name := z.path(fmt.Sprintf("%s/named %d", dir, i))
		z.must(unix.Linkat(unix.AT_FDCWD, fmt.Sprintf("/proc/self/fd/%d", fd), unix.AT_FDCWD, name, unix.AT_SYMLINK_FOLLOW))
		z.must(unix.Fsync(fd))
		z.must(unix.Close(fd))
	}
}
