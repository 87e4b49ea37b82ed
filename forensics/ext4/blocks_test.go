package ext4_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/firebreak-ir/firebreak/forensics/ext4"
	"github.com/firebreak-ir/firebreak/forensics/volume/kerneltest"
)

// TestLargeBlocks reads blocks larger than a page, which the kernel of most machines does not mount: the oracle is the tree
// that mkfs copied, in what mkfs copies. Not compared are the numbers of inodes, three times of four, and nanoseconds.
func TestLargeBlocks(t *testing.T) {
	source := t.TempDir()
	populate(t, source)
	want := kerneltest.Kernel(t, source)
	for _, size := range []int{8 << 10, 16 << 10, 32 << 10, 64 << 10} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			image := makeImage(t, source, "256M", "-b", fmt.Sprint(size), "-O", "ea_inode")
			run(t, "e2fsck", "-fn", image)
			disk := openImage(t, image, ext4.Options{})
			got := kerneltest.Read(t, disk, false)
			delete(got, "lost+found")
			kerneltest.Same(t, want, got, kerneltest.Options{Forget: notCopied})
			if d := disk.Damage(); len(d) != 0 {
				t.Errorf("damage in a sound image: %v", d)
			}
		})
	}
}

// notCopied blanks what mkfs does not copy.
func notCopied(path string, e *kerneltest.Entry) {
	e.Stat.Inode, e.Stat.Generation = 0, 0
	e.Stat.Modified = e.Stat.Modified.Truncate(time.Second)
	e.Stat.Accessed, e.Stat.Changed, e.Stat.Created = time.Time{}, time.Time{}, time.Time{}
	if e.Stat.Mode&unix.S_IFMT == unix.S_IFDIR {
		e.Stat.Size = 0
	}
	if path == "." { // lost+found is in it, and it has the owner and the mode that mkfs gives it
		e.Stat.Links, e.Stat.Mode, e.Stat.Modified, e.Xattrs = 0, 0, time.Time{}, nil
	}
	if strings.HasPrefix(path, "times/") { // mkfs knows 32 bits of them
		e.Stat.Modified = time.Unix(int64(int32(e.Stat.Modified.Unix())), 0).UTC()
	}
}
