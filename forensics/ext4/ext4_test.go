package ext4_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/forensics/ext4"
)

// madeLayouts are the ways to make a file system that a node's disk may have.
func madeLayouts() map[string][]string {
	return map[string][]string{
		"default":        nil,
		"1k":             {"-b", "1024"},
		"2k, 128 inodes": {"-b", "2048", "-I", "128"},
		"64k":            {"-b", "65536"},
		"ext2":           {"-t", "ext2", "-b", "1024"},
		"ext3":           {"-t", "ext3"},
		"inline data":    {"-O", "inline_data", "-I", "512"},
		"meta_bg":        {"-O", "meta_bg,^resize_inode", "-b", "1024", "-g", "1024"},
		"no 64bit":       {"-O", "^64bit,^metadata_csum"},
		"sparse_super2":  {"-O", "sparse_super2,^resize_inode", "-b", "1024"},
		"bigalloc":       {"-O", "bigalloc", "-C", "16384"},
		"no filetype":    {"-O", "^filetype"},
		"no journal":     {"-O", "^has_journal"},
	}
}

// TestAgainstSource compares what is read with the directory that mkfs copied, entry by entry and hash by hash.
func TestAgainstSource(t *testing.T) {
	source := sourceTree(t)
	for name, options := range madeLayouts() {
		t.Run(name, func(t *testing.T) {
			if os.Remove(filepath.Join(source, "sparse")); name != "inline data" { // mkfs -d loses a trailing hole there
				sparse(t, filepath.Join(source, "sparse"))
			}
			disk := openImage(t, makeImage(t, source, "64M", options...), ext4.Options{})
			want, got := hostTree(t, source), imageTree(t, disk)
			delete(got, "lost+found")
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the image differs from its source (-want +got):\n%s", diff)
			}
			if d := disk.Damage(); len(d) != 0 {
				t.Errorf("damage in a sound image: %v", d)
			}
		})
	}
}

// imageTree describes every entry of an image in one line.
func imageTree(t testing.TB, disk *ext4.FS) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := disk.Walk(".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			t.Errorf("walk %q: %v", p, err)
			return nil
		}
		if p == "." {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			t.Errorf("info %q: %v", p, err)
			return nil
		}
		out[p] = describe(t, disk, p, info, info.Sys().(*ext4.Inode).UID, info.Sys().(*ext4.Inode).GID)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func hostTree(t testing.TB, root string) map[string]string {
	t.Helper()
	out := map[string]string{}
	disk := os.DirFS(root)
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, p)
		if rel == "." {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		st := info.Sys().(*syscall.Stat_t)
		out[rel] = describe(t, linkFS{disk, root}, rel, info, st.Uid, st.Gid)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// linkFS opens without fs.ValidPath's UTF-8 rule.
type linkFS struct {
	fs.FS
	root string
}

func (l linkFS) Open(name string) (fs.File, error) { return os.Open(filepath.Join(l.root, name)) }
func (l linkFS) ReadLink(name string) (string, error) {
	return os.Readlink(filepath.Join(l.root, name))
}
func (l linkFS) Lstat(name string) (fs.FileInfo, error) { return os.Lstat(filepath.Join(l.root, name)) }

func describe(t testing.TB, disk fs.ReadLinkFS, p string, info fs.FileInfo, uid, gid uint32) string {
	t.Helper()
	line := fmt.Sprintf("%v %d:%d", info.Mode(), uid, gid)
	switch {
	case info.Mode().IsRegular():
		return line + fmt.Sprintf(" %d %s %s", info.Size(), info.ModTime().UTC().Truncate(1e9), hash(t, disk, p))
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := disk.ReadLink(p)
		if err != nil {
			t.Errorf("read link %q: %v", p, err)
		}
		return line + " -> " + target
	}
	return line
}

func hash(t testing.TB, disk fs.FS, p string) string {
	t.Helper()
	f, err := disk.Open(p)
	if err != nil {
		t.Errorf("open %q: %v", p, err)
		return ""
	}
	defer func() { _ = f.Close() }()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		t.Errorf("read %q: %v", p, err)
	}
	return fmt.Sprintf("%x", h.Sum(nil)[:8])
}

// TestLinksStayInside follows links as a changed root would.
func TestLinksStayInside(t *testing.T) {
	disk := openImage(t, makeImage(t, sourceTree(t), "64M"), ext4.Options{})
	for link, want := range map[string]string{"absolute": string(pattern(60)), "up": string(pattern(1)), "short": string(pattern(1))} {
		got, err := fs.ReadFile(disk, link)
		if err != nil || string(got) != want {
			t.Errorf("read through %q: %d bytes, %v", link, len(got), err)
		}
	}
	if _, err := disk.Open("long"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("open a link to nowhere: %v", err)
	}
	for _, bad := range []string{"", "/sizes", "sizes/", "../etc/passwd", "sizes/../sizes", "./sizes", "sizes//1"} {
		if _, err := disk.Open(bad); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("open %q: %v, want %v", bad, err, fs.ErrInvalid)
		}
	}
	if _, err := disk.Open("sizes/1/2"); err == nil || !strings.Contains(err.Error(), "not a directory") {
		t.Errorf("open below a file: %v", err)
	}
}

// TestRefusals names what it cannot read.
func TestRefusals(t *testing.T) {
	image, err := os.ReadFile(makeImage(t, t.TempDir(), "1M", "-b", "1024"))
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		change func([]byte)
		want   string
	}{
		"no magic":       {func(b []byte) { b[1024+0x38] = 0 }, "no ext4 superblock"},
		"huge block":     {func(b []byte) { b[1024+0x18] = 40 }, "block size 2^50"},
		"compression":    {func(b []byte) { b[1024+0x60] |= 1 }, `ext4 feature "compression"`},
		"future feature": {func(b []byte) { b[1024+0x63] |= 0x40 }, `ext4 feature "incompat 0x40000000"`},
		"no inodes":      {func(b []byte) { clear(b[1024+0x28 : 1024+0x2C]) }, "0 inodes in a group"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			b := append([]byte(nil), image...)
			c.change(b)
			_, err := ext4.Open(strings.NewReader(string(b)), int64(len(b)), ext4.Options{})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("open: %v, want %q in it", err, c.want)
			}
		})
	}
}

// TestNestedDirectories bounds what a walk holds of all the directories that it is in, not of each.
func TestNestedDirectories(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"a", "a/a", "a/a/a"} {
		for i := range 40 {
			write(t, filepath.Join(root, dir, fmt.Sprint("file", i)), nil)
		}
	}
	files, damage := 0, 0
	disk := openImage(t, makeImage(t, root, "8M"), ext4.Options{MaxDirEntries: 100})
	err := disk.Walk(".", func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			damage++
		} else if !d.IsDir() {
			files++
		}
		return nil
	})
	if err != nil || files != 96 || damage != 1 {
		t.Errorf("%d files, %d damaged, %v", files, damage, err)
	}
}
