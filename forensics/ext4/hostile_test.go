package ext4_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/firebreak-ir/firebreak/forensics/ext4"
)

// TestDirectoryLoop walks a directory that contains the root, and one that contains itself, once.
func TestDirectoryLoop(t *testing.T) {
	source := t.TempDir()
	write(t, filepath.Join(source, "a/root"), nil)
	write(t, filepath.Join(source, "a/self"), nil)
	write(t, filepath.Join(source, "a/zfile"), nil)
	b := plainImage(t, source)
	a := inodeOf(t, openBytes(t, bytes.NewReader(b), len(b)), "a")
	for name, n := range map[string]int{"root": ext4.RootInode, "self": a} {
		e := nameAt(t, b, name)
		binary.LittleEndian.PutUint32(e, uint32(n))
		e[7] = 2
	}
	visited, wrong := walked(openBytes(t, bytes.NewReader(b), len(b)))
	if len(visited) != 5 || len(wrong) != 2 || strings.Count(strings.Join(wrong, "\n"), "met before") != 2 {
		t.Errorf("visited %q, wrong %q", visited, wrong)
	}
	if got, err := openBytes(t, bytes.NewReader(b), len(b)).Lstat("a/root/a/self/self/root/a/zfile"); err != nil || got.Size() != 0 {
		t.Errorf("a path through the loop: %v, %v", got, err)
	}
}

// TestExtentLoop stops at a node of an extent tree that is its own child.
func TestExtentLoop(t *testing.T) {
	source := t.TempDir()
	write(t, filepath.Join(source, "file"), pattern(5000))
	b := plainImage(t, source)
	in := rawInode(b, 1024, inodeOf(t, openBytes(t, bytes.NewReader(b), len(b)), "file"))
	le := binary.LittleEndian
	block := le.Uint32(in[0x28+12+8:])
	for _, node := range [][]byte{in[0x28:], b[block*1024:]} {
		copy(node, []byte{0x0A, 0xF3, 1, 0, 4, 0, 5, 0, 0, 0, 0, 0})
		clear(node[12:24])
		le.PutUint32(node[16:], block)
	}
	f, err := openBytes(t, bytes.NewReader(b), len(b)).Open("file")
	must(t, err)
	if _, err := io.Copy(io.Discard, f); err == nil || !strings.Contains(err.Error(), "depth 5 below depth 5") {
		t.Errorf("read: %v", err)
	}
}

// TestAbsurdSizes lists and reads what claims to be far larger than the image, in little memory.
func TestAbsurdSizes(t *testing.T) {
	source := t.TempDir()
	write(t, filepath.Join(source, "file"), pattern(3000))
	write(t, filepath.Join(source, "dir/entry"), nil)
	must(t, unix.Symlink("target", filepath.Join(source, "link")))
	b := plainImage(t, source, "-O", "large_dir")
	disk := openBytes(t, bytes.NewReader(b), len(b))
	le := binary.LittleEndian
	for _, name := range []string{"file", "dir", "link"} {
		in := rawInode(b, 1024, inodeOf(t, disk, name))
		le.PutUint32(in[0x6C:], 0x7FFFFFFF)
		le.PutUint32(in[4:], 0xFFFFFFFF)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	disk = openBytes(t, bytes.NewReader(b), len(b))
	visited, _ := walked(disk)
	f, err := disk.OpenFile("file")
	must(t, err)
	head := make([]byte, 4000)
	if n, err := f.ReadAt(head, 0); n != len(head) || err != nil || !bytes.Equal(head[:3000], pattern(3000)) {
		t.Errorf("%d bytes, %v", n, err)
	}
	if n, err := f.ReadAt(head, 1<<61); n != 0 || err == nil {
		t.Errorf("behind all blocks that a file can have: %d, %v", n, err)
	}
	if target, err := disk.ReadLink("link"); err == nil && len(target) > 1024 {
		t.Errorf("a target of %d bytes", len(target))
	}
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 64<<20 || len(visited) != 5 {
		t.Errorf("%d bytes were allocated, visited %q", used, visited)
	}
}

// TestOnlyFilesAreRead opens no device, pipe or socket for reading, whatever the number of bytes that it claims.
func TestOnlyFilesAreRead(t *testing.T) {
	source := t.TempDir()
	kinds := map[string]uint32{"null": unix.S_IFCHR, "pipe": unix.S_IFIFO, "socket": unix.S_IFSOCK, "block": unix.S_IFBLK}
	for name, kind := range kinds {
		must(t, unix.Mknod(filepath.Join(source, name), kind|0o600, int(unix.Mkdev(1, 3))))
	}
	b := plainImage(t, source)
	disk := openBytes(t, bytes.NewReader(b), len(b))
	for name := range kinds {
		binary.LittleEndian.PutUint32(rawInode(b, 1024, inodeOf(t, disk, name))[4:], 4096)
		f, err := disk.Open(name)
		must(t, err)
		if n, err := f.Read(make([]byte, 10)); n != 0 || !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%q gives %d bytes, %v", name, n, err)
		}
	}
}

// TestQuotedNames quotes an attacker's words in what it reports.
func TestQuotedNames(t *testing.T) {
	source := t.TempDir()
	write(t, filepath.Join(source, "d/\n\x1b[31mline"), nil)
	b := plainImage(t, source)
	e := nameAt(t, b, "\n\x1b[31mline")
	e[8+6] = '/' // in the name
	_, wrong := walked(openBytes(t, bytes.NewReader(b), len(b)))
	said := strings.Join(wrong, "")
	if len(wrong) != 1 || !strings.Contains(said, `\n\x1b[31m`) || strings.ContainsAny(said, "\n\x1b") {
		t.Errorf("%q", wrong)
	}
}
