package archive_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/firebreak-ir/firebreak/forensics/archive"
	"github.com/firebreak-ir/firebreak/forensics/block"
	"github.com/firebreak-ir/firebreak/forensics/ext4"
	"github.com/firebreak-ir/firebreak/forensics/volume"
	"github.com/firebreak-ir/firebreak/forensics/volume/kerneltest"
	"github.com/firebreak-ir/firebreak/internal/labenv"
)

// zoo makes an image with one of each, and opens it.
func zoo(t *testing.T) *ext4.FS {
	t.Helper()
	labenv.NeedTool(t, "mkfs.ext4", "apt-get install e2fsprogs")
	image := filepath.Join(t.TempDir(), "zoo.img")
	kerneltest.Run(t, "mkfs.ext4", "-q", image, "16M")
	root, unmount := kerneltest.Mount(t, "ext4", image, "rw,noatime")
	at := func(name string) string { return filepath.Join(root, name) }
	for _, err := range []error{
		os.MkdirAll(at("a/b"), 0o750), os.WriteFile(at("a/file"), bytes.Repeat([]byte("bytes "), 5000), 0o644), os.Link(at("a/file"), at("z")),
		os.Symlink("/etc/shadow", at("a/link")), os.WriteFile(at("a/new\nline \x1b[2J"), []byte("x"), 0o600), os.Truncate(at("a/file"), 100_000),
		unix.Mkfifo(at("pipe"), 0o600), unix.Mknod(at("whiteout"), unix.S_IFCHR, 0), unix.Mknod(at("disk"), unix.S_IFBLK|0o660, int(unix.Mkdev(8, 300))),
		unix.Setxattr(at("a/file"), "user.note", []byte("for\x00all"), 0), unix.Setxattr(at("a"), "trusted.overlay.opaque", []byte("y"), 0),
		os.Chown(at("a/b"), 70_000, 80_000), os.Chmod(at("a/file"), os.ModeSetuid|0o755), unix.Mknod(at("socket"), unix.S_IFSOCK|0o600, 0),
		os.Chtimes(at("a/b"), time.Time{}, time.Date(2040, 1, 2, 3, 4, 5, 123456789, time.UTC)),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	unmount()
	return opened(t, image)
}

func opened(t *testing.T, image string) *ext4.FS {
	t.Helper()
	file, err := block.OpenFile(image)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	disk, err := ext4.Open(file, file.Size(), ext4.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return disk
}

// TestArchiveIsTheTree unpacks an archive with GNU tar, and holds what comes out against the image.
func TestArchiveIsTheTree(t *testing.T) {
	if os.Getuid() != 0 {
		labenv.LeaveOut(t, "only root can make devices and other people's files")
	}
	disk, out := zoo(t), t.TempDir()
	var stream bytes.Buffer
	result, err := archive.Write(t.Context(), &stream, disk, ".", archive.Options{})
	if err != nil || len(result.Left) != 1 || result.Left[0].Path != "socket" {
		t.Fatalf("%+v, %v", result, err)
	}
	unpack := exec.Command("tar", "--extract", "--file=-", "--directory="+out, "--same-owner", "--preserve-permissions", "--xattrs", "--xattrs-include=*")
	unpack.Stdin = &stream
	if said, err := unpack.CombinedOutput(); err != nil {
		t.Fatalf("tar: %v: %s", err, said)
	}
	want, got := kerneltest.Read(t, disk, false), kerneltest.Kernel(t, out)
	delete(want, "socket")
	delete(want, ".")
	delete(got, ".")
	kerneltest.Same(t, want, got, kerneltest.Options{Forget: forget})
}

// forget blanks what no archive can bring to another file system.
func forget(_ string, e *kerneltest.Entry) {
	s := &e.Stat
	s.Inode, s.Generation, s.Accessed, s.Changed, s.Created = 0, 0, time.Time{}, time.Time{}, time.Time{}
	if s.Mode&volume.TypeMask == volume.TypeDir {
		s.Size, s.Links = 0, 0
	}
}

// TestArchiveBounds ends an archive at its limits, and stays in the root that it was given.
func TestArchiveBounds(t *testing.T) {
	disk := zoo(t)
	for _, opts := range []archive.Options{{MaxBytes: 1000}, {MaxEntries: 3}} {
		if _, err := archive.Write(t.Context(), io.Discard, disk, ".", opts); !errors.Is(err, archive.ErrTooMuch) {
			t.Errorf("%+v: %v", opts, err)
		}
	}
	var stream bytes.Buffer
	if _, err := archive.Write(t.Context(), &stream, disk, "a", archive.Options{}); err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(&stream); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || strings.HasPrefix(h.Name, "/") || strings.HasPrefix(h.Name, "a/") || strings.Contains(h.Name, "..") {
			t.Fatalf("%+v, %v", h, err)
		}
	}
}
