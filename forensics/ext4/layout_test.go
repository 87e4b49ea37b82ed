package ext4_test

import (
	"fmt"
	"io/fs"
	"os/exec"
	"strings"
	"testing"

	"github.com/firebreak-ir/firebreak/forensics/ext4"
	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// freeBlocks gives the blocks that e2fsprogs calls free, and how many inodes it calls used.
func freeBlocks(t *testing.T, image string) (free map[int64]bool, inodes int) {
	t.Helper()
	out, err := exec.Command("dumpe2fs", image).Output()
	if err != nil {
		t.Fatal(err)
	}
	free = map[int64]bool{}
	var count, unused int
	for line := range strings.Lines(string(out)) {
		if rest, ok := strings.CutPrefix(line, "  Free blocks: "); ok {
			for _, span := range strings.Split(strings.TrimSpace(rest), ", ") {
				var from, to int64
				switch n, _ := fmt.Sscanf(span, "%d-%d", &from, &to); n {
				case 1:
					to = from
				case 0:
					continue
				}
				for n := from; n <= to; n++ {
					free[n] = true
				}
			}
		}
		_, _ = fmt.Sscanf(line, "Inode count: %d", &count) // most lines are others
		_, _ = fmt.Sscanf(line, "Free inodes: %d", &unused)
	}
	return free, count - unused
}

// TestLayout finds an owner for each block that is in use and none for any that is free, as e2fsprogs has it.
func TestLayout(t *testing.T) {
	need(t, "dumpe2fs")
	source := sourceTree(t)
	sparse(t, source+"/sparse")
	for name, options := range map[string][]string{
		"4096": {"-b", "4096"}, "1024": {"-b", "1024"}, "flex": {"-b", "1024", "-O", "flex_bg", "-G", "4", "-g", "1024"},
		"meta_bg": {"-b", "1024", "-O", "meta_bg,^resize_inode"}, "pointers": {"-b", "1024", "-O", "^extents,^64bit"},
		"no flex": {"-b", "2048", "-O", "^flex_bg,^resize_inode"}, "sparse_super2": {"-b", "1024", "-O", "sparse_super2,^resize_inode"},
		"inline": {"-b", "4096", "-I", "256", "-O", "inline_data"}, "uninit": {"-b", "1024", "-O", "uninit_bg,^metadata_csum"},
		"no journal": {"-b", "1024", "-O", "^has_journal"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			image := makeImage(t, source, "40M", options...)
			disk := openImage(t, image, ext4.Options{})
			free, used := freeBlocks(t, image)
			owned := map[int64]string{}
			bs := disk.BlockSize()
			note := func(who string, at, length int64) {
				for n := at / bs; n < (at+length+bs-1)/bs; n++ {
					if was := owned[n]; was != "" && was != who && !strings.Contains(who+was, "attributes") {
						t.Errorf("block %d belongs to %s and to %s", n, was, who)
					}
					owned[n] = who
				}
			}
			err := disk.Regions(func(r volume.Region, err error) error {
				if err == nil {
					note(fmt.Sprintf("%s at %d", r.Kind, r.Offset), r.Offset, r.Length)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			if n := inodesOwn(t, disk, note); n != used-10+1 { // ten are reserved, the root's is a user's
				t.Errorf("%d inodes, e2fsprogs counts %d", n, used-9)
			}
			first := int64(0)
			if bs == 1024 {
				first = 1 // block 0 is for booting
			}
			for n := first; n < 40<<20/bs; n++ {
				if who, ok := owned[n]; ok == free[n] {
					t.Fatalf("block %d: free is %t, owned by %q", n, free[n], who)
				}
			}
		})
	}
}

func inodesOwn(t *testing.T, disk *ext4.FS, note func(string, int64, int64)) (inodes int) {
	t.Helper()
	err := disk.EachInode(func(n uint64, info fs.FileInfo, err error) error {
		if err != nil {
			return err
		}
		inodes++
		if again, used, err := disk.Inode(n); err != nil || !used || again.Size() != info.Size() {
			t.Errorf("inode %d: %t, %v", n, used, err)
		}
		owned, err := disk.Owned(info, 1<<20)
		for _, o := range owned {
			note(fmt.Sprintf("inode %d (%s)", n, o.For), o.Physical, o.Length)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return inodes
}

// TestOwnedIsBounded gives as many pieces as it may, and says so.
func TestOwnedIsBounded(t *testing.T) {
	source := t.TempDir()
	sparse(t, source+"/sparse")
	disk := openImage(t, makeImage(t, source, "16M"), ext4.Options{})
	info, err := disk.Lstat("sparse")
	if err != nil {
		t.Fatal(err)
	}
	if owned, err := disk.Owned(info, 1); err == nil || len(owned) != 1 {
		t.Errorf("%+v, %v", owned, err)
	}
}
