package ext4_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/firebreak-ir/firebreak/forensics/ext4"
)

// TestUpperHalfOfSize reads it where the kernel does: in regular files, and everywhere with large_dir.
func TestUpperHalfOfSize(t *testing.T) {
	source := t.TempDir()
	write(t, filepath.Join(source, "d/file"), []byte("x"))
	b := plainImage(t, source)
	disk := openBytes(t, bytes.NewReader(b), len(b))
	le := binary.LittleEndian
	for _, name := range []string{"d", "d/file"} {
		le.PutUint32(rawInode(b, 1024, inodeOf(t, disk, name))[0x6C:], 1)
	}
	for _, c := range []struct {
		largeDir  bool
		dir, file int64
	}{{false, 1024, 1<<32 + 1}, {true, 1<<32 + 1024, 1<<32 + 1}} {
		if c.largeDir {
			le.PutUint32(b[1024+0x60:], le.Uint32(b[1024+0x60:])|0x4000)
		}
		disk := openBytes(t, bytes.NewReader(b), len(b))
		for name, want := range map[string]int64{"d": c.dir, "d/file": c.file} {
			if info, err := disk.Lstat(name); err != nil || info.Size() != want {
				t.Errorf("large_dir %t: %s has %d bytes, want %d, %v", c.largeDir, name, info.Size(), want, err)
			}
		}
	}
}

// TestWholeBlockEntry reads an entry as long as a block of 64 KiB, which its field cannot hold.
func TestWholeBlockEntry(t *testing.T) {
	for _, length := range []uint16{0, 65535} {
		source := t.TempDir()
		write(t, filepath.Join(source, "d/only"), []byte("x"))
		b, err := os.ReadFile(makeImage(t, source, "8M", "-b", "65536", "-O", "^metadata_csum,^has_journal"))
		if err != nil {
			t.Fatal(err)
		}
		in := rawInode(b, bigBlock, inodeOf(t, openBytes(t, bytes.NewReader(b), len(b)), "d"))
		le := binary.LittleEndian
		dir := b[int(le.Uint32(in[0x28+12+8:]))*bigBlock:][:bigBlock]
		only := nameAt(t, dir, "only")[:12]
		copy(dir, only)
		le.PutUint16(dir[4:], length)
		entries, err := openBytes(t, bytes.NewReader(b), len(b)).ReadDir("d")
		if err != nil || len(entries) != 1 || entries[0].Name() != "only" {
			t.Errorf("length %d: %v, %v", length, entries, err)
		}
	}
}

// TestOpenInfo opens a file by what a walk gave.
func TestOpenInfo(t *testing.T) {
	source := t.TempDir()
	write(t, filepath.Join(source, "d/file"), []byte("content"))
	disk := openImage(t, makeImage(t, source, "8M"), ext4.Options{})
	info, err := disk.Lstat("d/file")
	if err != nil {
		t.Fatal(err)
	}
	f, err := disk.OpenInfo(info.(*ext4.Info))
	if err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 7)
	if _, err := f.ReadAt(got, 0); err != nil || string(got) != "content" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := disk.OpenInfo(nil); err == nil {
		t.Error("nothing was opened")
	}
}
