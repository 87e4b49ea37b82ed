package xfs_test

import (
	"testing"

	"github.com/firebreak-ir/firebreak/forensics/volume/kerneltest"
	"github.com/firebreak-ir/firebreak/forensics/xfs"
)

// TestAgainstKernel compares every entry with what the kernel shows of the same image.
func TestAgainstKernel(t *testing.T) {
	for name, options := range map[string][]string{
		"default": nil,
	} {
		t.Run(name, func(t *testing.T) {
			image := emptyImage(t, 400, options...)
			dir, unmount := kerneltest.Mount(t, "xfs", image, "rw")
			zoo{TB: t, root: dir, reflink: true, entries: 20000}.fill()
			unmount()
			dir, _ = kerneltest.Mount(t, "xfs", image, "ro")
			disk := openImage(t, image, xfs.Options{})
			kerneltest.Compare(t, disk, dir)
			if d := disk.Damage(); len(d) != 0 {
				t.Errorf("damage in a sound image: %v", d)
			}
		})
	}
}
