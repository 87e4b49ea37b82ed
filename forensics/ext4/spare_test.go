package ext4_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firebreak-ir/firebreak/forensics/ext4"
	"github.com/firebreak-ir/firebreak/forensics/volume/kerneltest"
)

// TestSpareCopies reads images whose superblock or group descriptors are damaged as the kernel reads the whole ones.
func TestSpareCopies(t *testing.T) {
	damages := map[string]struct {
		change func(b []byte, blockSize int)
		want   string
	}{
		"superblock gone":   {func(b []byte, _ int) { clear(b[1024:2048]) }, "no ext4 superblock: the copy at byte"},
		"another layout":    {func(b []byte, _ int) { b[1024+0x20] ^= 8 }, "the copy at byte"},
		"descriptors gone":  {func(b []byte, bs int) { clear(b[max(2048, bs):][:bs]) }, "the copy in block"},
		"a table elsewhere": {func(b []byte, bs int) { b[max(2048, bs)+9] ^= 1 }, "the copy in block"},
		"both":              {func(b []byte, bs int) { clear(b[1024:2048]); clear(b[max(2048, bs):][:bs]) }, "the copy in block"},
	}
	for name, options := range map[string]string{
		"4k": "", "1k": "-b 1024", "meta_bg": "-b 1024 -O meta_bg,^resize_inode", "crc16": "-b 1024 -O ^metadata_csum,uninit_bg",
	} {
		image := blankImage(t, "160M", append([]string{"-N", "1200"}, strings.Fields(options)...)...)
		dir, unmount := kerneltest.Mount(t, "ext4", image, "rw")
		for i := range 60 {
			writeSynced(t, filepath.Join(dir, fmt.Sprintf("dir-%d/file", i)), pattern(i*300))
		}
		copied := kerneltest.CrashCopy(t, image) // not unmounted: the copies of the superblock do not know that
		unmount()
		want := kerneltest.Kernel(t, kerneltest.Recovered(t, "ext4", copied, ""))
		for damage, c := range damages {
			if name == "crc16" && damage == "another layout" {
				continue // nothing would show it
			}
			t.Run(name+", "+damage, func(t *testing.T) {
				t.Parallel()
				f, err := os.Open(copied)
				must(t, err)
				defer f.Close()
				head := make([]byte, 64<<10)
				_, err = f.ReadAt(head, 0)
				must(t, err)
				c.change(head, int(1024)<<head[1024+0x18])
				disk := openBytes(t, headed{f, head}, 160<<20)
				got := kerneltest.Read(t, disk, false)
				if n := kerneltest.Same(t, want, got, kerneltest.Options{}); n < 120 {
					t.Errorf("%d entries are equal", n)
				}
				if said := fmt.Sprint(disk.Damage()); !strings.Contains(said, c.want) {
					t.Errorf("damage: %s", said)
				}
				if !disk.Replayed().Needed {
					t.Error("the journal was not asked")
				}
			})
		}
	}
}

// headed is a disk that begins with other bytes.
type headed struct {
	io.ReaderAt
	head []byte
}

func (h headed) ReadAt(p []byte, off int64) (int, error) {
	n, err := h.ReaderAt.ReadAt(p, off)
	if off < int64(len(h.head)) {
		copy(p[:n], h.head[off:])
	}
	return n, err
}

// TestWrongSuperblockSum reads by a superblock in which nothing matters that is wrong, and says so.
func TestWrongSuperblockSum(t *testing.T) {
	b, err := os.ReadFile(makeImage(t, t.TempDir(), "8M"))
	must(t, err)
	copy(b[1024+0x78:], "another name")
	disk := openBytes(t, bytes.NewReader(b), len(b))
	if said := fmt.Sprint(disk.Damage()); disk.Label() != "another name" || !strings.Contains(said, "superblock: its checksum is wrong") {
		t.Errorf("label %q, damage %s", disk.Label(), said)
	}
}

// TestForeignCopy takes no copy of another file system, which an image inside an image may hold in its place.
func TestForeignCopy(t *testing.T) {
	b, err := os.ReadFile(makeImage(t, t.TempDir(), "40M", "-b", "1024"))
	must(t, err)
	clear(b[1024:2048])
	copies := 0
	for at := 1024 * 8193; at+1024 <= len(b); at += 1024 * 8192 {
		if b[at+0x38] == 0x53 {
			copies++
			b[at+0x5A] = 77 // the group of a copy elsewhere
			b[at+0x64+1] &^= 4
		}
	}
	if _, err := ext4.Open(bytes.NewReader(b), int64(len(b)), ext4.Options{}); copies == 0 || err == nil || !strings.Contains(err.Error(), "no ext4 superblock") {
		t.Errorf("%d copies, %v", copies, err)
	}
}
