package xfs_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/firebreak-ir/firebreak/forensics/volume/kerneltest"
	"github.com/firebreak-ir/firebreak/forensics/xfs"
)

const (
	goingDown  = 0x8004587D // XFS_IOC_GOINGDOWN of linux/xfs_fs.h: the file system stops as in a crash
	withLog    = 1          // what is in memory of the log is written
	withoutLog = 2
)

// TestCrash stops a file system in the middle of many changes at once, in a log so small that it is written over many
// times, and holds what we make of the log against what the kernel makes of it.
func TestCrash(t *testing.T) {
	for name, c := range map[string]struct {
		how     int
		options []string
	}{
		"default, what is in memory is lost": {withoutLog, nil}, "default": {withLog, nil}, "64k": {withoutLog, []string{"-b", "size=65536"}},
		"1k, owners": {withLog, []string{"-b", "size=1024", "-m", "rmapbt=1"}}, "log of 256k stripes": {withoutLog, []string{"-l", "su=256k,size=20m"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			image := crashed(t, c.how, c.options)
			disk := openImage(t, image, xfs.Options{})
			r := disk.Replayed()
			t.Logf("%+v, damage %.2000v", r, disk.Damage())
			kerneltest.Compare(t, disk, kerneltest.Recovered(t, "xfs", image, "noatime"))
			if !r.Needed || r.Transactions == 0 {
				t.Error("nothing was replayed: the test has lost its point")
			}
		})
	}
}

// crashed gives an image on which three processes were at work when it stopped.
func crashed(t *testing.T, how int, options []string) string {
	t.Helper()
	image := emptyImage(t, 160, options...)
	dir, unmount := kerneltest.Mount(t, "xfs", image, "rw")
	root, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	var wait sync.WaitGroup
	until := time.Now().Add(4 * time.Second)
	for i := range 3 {
		wait.Go(func() {
			load{filepath.Join(dir, fmt.Sprint(i)), rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))}.run(until)
		})
	}
	time.Sleep(1500 * time.Millisecond)
	if err := unix.IoctlSetPointerInt(int(root.Fd()), goingDown, how); err != nil {
		t.Fatalf("stop the file system: %v", err)
	}
	wait.Wait()
	root.Close()
	unmount()
	return image
}

// load changes files at random, and does not care what fails: at the end everything does.
type load struct {
	dir string
	*rand.Rand
}

func (l load) run(until time.Time) {
	for time.Now().Before(until) {
		_ = os.MkdirAll(l.dir, 0o755)
		_ = l.step(l.name())
		if _, err := os.Lstat(l.dir); err != nil {
			return
		}
	}
}

func (l load) name() string {
	deep := ""
	if l.IntN(3) == 0 {
		deep = fmt.Sprintf("d%d/", l.IntN(8))
		_ = os.MkdirAll(filepath.Join(l.dir, deep), 0o700)
	}
	return filepath.Join(l.dir, deep+fmt.Sprintf("%d%s", l.IntN(300), strings.Repeat("n", l.IntN(4)*40)))
}

func (l load) step(name string) error {
	switch l.IntN(14) {
	case 0, 1, 2:
		return os.WriteFile(name, pattern(l.IntN(60000)), 0o644)
	case 3, 4:
		return l.change(name)
	case 5:
		return os.Remove(name)
	case 6, 7:
		return os.Rename(name, l.name())
	case 8:
		return os.Truncate(name, int64(l.IntN(200000)))
	case 9, 10:
		return unix.Lsetxattr(name, fmt.Sprintf("user.%d", l.IntN(9)), pattern(l.IntN(9)*l.IntN(900)), 0)
	case 11:
		return unix.Lremovexattr(name, fmt.Sprintf("user.%d", l.IntN(9)))
	case 12:
		return os.Symlink(strings.Repeat("t", 1+l.IntN(900)), name)
	}
	return os.Link(name, l.name())
}

// change writes into a file, makes holes in it, shares blocks with another, and sometimes waits for the disk.
func (l load) change(name string) error {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	err = l.changeOpen(f, int64(l.IntN(300000)))
	if l.IntN(2) == 0 {
		err = errors.Join(err, f.Sync())
	}
	return err
}

func (l load) changeOpen(f *os.File, at int64) error {
	fd := int(f.Fd())
	switch l.IntN(5) {
	case 0:
		return unix.Fallocate(fd, unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, at, 40000)
	case 1:
		return unix.Fallocate(fd, 0, at, 100000)
	case 2:
		other, err := os.Open(l.name())
		if err != nil {
			return err
		}
		defer other.Close()
		return unix.IoctlFileClone(fd, int(other.Fd()))
	}
	_, err := f.WriteAt(pattern(l.IntN(20000)), at)
	return err
}
