package xfs_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// zoo fills a mounted file system through the kernel: every form of file, directory, attribute, link and node that it has.
type zoo struct {
	testing.TB
	root    string
	reflink bool
}

func (z zoo) fill() {
	z.Helper()
	z.files()
	z.fragmented("fragmented", 700)
	z.fragmented("a few pieces", 9)
	z.directories()
	z.links()
	z.nodes()
	z.owners()
	z.attributes()
	if z.reflink {
		z.clone()
	}
	z.times()
}

func (z zoo) must(err error) {
	z.Helper()
	if err != nil {
		z.Fatal(err)
	}
}

func (z zoo) path(name string) string { return filepath.Join(z.root, name) }

func (z zoo) write(name string, content []byte) {
	z.Helper()
	z.must(os.MkdirAll(filepath.Dir(z.path(name)), 0o755))
	z.must(os.WriteFile(z.path(name), content, 0o644))
}

// files makes sizes around every boundary, holes, and space that is allocated and not written.
func (z zoo) files() {
	for _, size := range []int{0, 1, 511, 512, 1023, 1024, 1025, 4096, 65535, 65537, 1 << 20} {
		z.write(fmt.Sprintf("sizes/%d", size), pattern(size))
	}
	for name, change := range map[string]func(fd int) error{
		"hole in front": func(fd int) error { _, err := unix.Pwrite(fd, pattern(9000), 5<<20+77); return err },
		"hole behind":   func(fd int) error { return unix.Ftruncate(fd, 7<<20+5) },
		"far hole": func(fd int) error {
			_, err := unix.Pwrite(fd, []byte("far"), 1<<33)
			return errors.Join(err, unix.Ftruncate(fd, 1<<33+3))
		},
		"unwritten": func(fd int) error { return unix.Fallocate(fd, 0, 4096, 3<<20) },
		"written inside": func(fd int) error {
			_, err := unix.Pwrite(fd, pattern(70000), 1<<20)
			return errors.Join(unix.Fallocate(fd, 0, 0, 3<<20), err)
		},
		"beyond its size": func(fd int) error { return unix.Fallocate(fd, unix.FALLOC_FL_KEEP_SIZE, 0, 1<<20) },
		"punched": func(fd int) error {
			return unix.Fallocate(fd, unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 1, 70000)
		},
		"zeroed": func(fd int) error { return unix.Fallocate(fd, unix.FALLOC_FL_ZERO_RANGE, 2, 70000) },
	} {
		if name == "far hole" { // its hash takes long
			continue
		}
		z.write("sparse/"+name, pattern(100000))
		z.withFile("sparse/"+name, change)
	}
}

func (z zoo) withFile(name string, do func(fd int) error) {
	z.Helper()
	f, err := os.OpenFile(z.path(name), os.O_RDWR|os.O_CREATE, 0o644)
	z.must(err)
	defer f.Close()
	z.must(do(int(f.Fd())))
}

// fragmented writes every other block, so that no two pieces of the file touch: fewer where blocks are so large that the
// kernel may find no memory for them.
func (z zoo) fragmented(name string, pieces int) {
	var st unix.Statfs_t
	z.must(unix.Statfs(z.root, &st))
	pieces = min(pieces, int(16<<20/st.Bsize))
	z.withFile(name, func(fd int) error {
		for i := range pieces {
			if _, err := unix.Pwrite(fd, pattern(int(st.Bsize)-i%7), int64(i)*2*st.Bsize); err != nil {
				return err
			}
		}
		return unix.Ftruncate(fd, int64(pieces)*2*st.Bsize+1)
	})
}

// directories makes them so large that each form comes up: in the inode, one block, leaf, node and tree of extents.
func (z zoo) directories() {
	for _, count := range []int{0, 1, 3, 60, 200, 1500} {
		z.names(count, 180, fmt.Sprintf("dirs/%d", count))
	}
	for i := range 1500 { // free space, also at the ends of blocks
		if i%3 != 0 {
			z.must(os.Remove(z.path(fmt.Sprintf("dirs/1500/%05d%s", i, strings.Repeat("n", i%180)))))
		}
	}
	z.write("odd/\xff\xfe bytes \u00e9\n", []byte("odd"))
	z.write("odd/"+strings.Repeat("x", 255), nil)
	deep := strings.Repeat("deeper/", 60)
	z.write(deep+"end", []byte("deep"))
}

// names fills directories in turn with links to one file, which are made faster than files. The names differ by so many
// bytes in their length.
func (z zoo) names(count, lengths int, dirs ...string) {
	z.Helper()
	for _, dir := range dirs {
		z.must(os.MkdirAll(z.path(dir), 0o755))
	}
	target := ""
	for i := range count {
		name := z.path(fmt.Sprintf("%s/%05d%s", dirs[i%len(dirs)], i, strings.Repeat("n", i%lengths)))
		if i%10_000 == 0 {
			z.must(os.WriteFile(name, []byte(name[len(z.root):]), 0o600))
			target = name
			continue
		}
		z.must(os.Link(target, name))
	}
}

func (z zoo) links() {
	z.must(os.Link(z.path("sizes/1"), z.path("another name")))
	for name, target := range map[string]string{
		"short": "sizes/1", "up": "../../../sizes/1", "absolute": "/sizes/1", "circle": "circle", "dangling": "nowhere",
		"300": strings.Repeat("x/", 149) + "y", "1023": strings.Repeat("y/", 511) + "z", "640": strings.Repeat("z", 640),
	} {
		z.must(os.MkdirAll(z.path("links"), 0o755))
		z.must(os.Symlink(target, z.path("links/"+name)))
	}
}

func (z zoo) nodes() {
	z.must(os.MkdirAll(z.path("nodes"), 0o755))
	for name, n := range map[string]struct {
		mode uint32
		dev  uint64
	}{
		"null": {unix.S_IFCHR | 0o666, unix.Mkdev(1, 3)}, "whiteout": {unix.S_IFCHR, 0}, "disk": {unix.S_IFBLK | 0o660, unix.Mkdev(8, 1)},
		"large minor": {unix.S_IFBLK | 0o600, unix.Mkdev(259, 70000)}, "large major": {unix.S_IFCHR | 0o600, unix.Mkdev(500, 255)},
		"pipe": {unix.S_IFIFO | 0o644, 0}, "socket": {unix.S_IFSOCK | 0o755, 0},
	} {
		if err := unix.Mknod(z.path("nodes/"+name), n.mode, int(n.dev)); err != nil {
			z.Fatalf("make the node %q: %v", name, err)
		}
	}
}

func (z zoo) owners() {
	z.write("owners/large", nil)
	z.must(os.Chown(z.path("owners/large"), 3_000_000_000, 70_000))
	z.write("owners/bits", nil)
	z.must(unix.Chmod(z.path("owners/bits"), 0o7751))
	z.must(os.Mkdir(z.path("owners/dir"), 0o755))
	z.must(unix.Chmod(z.path("owners/dir"), 0o3777))
	z.must(os.Lchown(z.path("owners/dir"), 65536, 65535))
}

// attributes makes few and many of them, short and long, in every namespace.
func (z zoo) attributes() {
	for name, attrs := range map[string]map[string]int{
		"few": {"user.a": 1, "user.empty": 0, "trusted.overlay.opaque": 1, "security.test": 20}, "one long": {"user.long": 65536, "user.short": 3},
		"leaf": {"user.1": 200, "trusted.2": 250, "user.3": 100, "user.empty": 0}, "remote": {"user.1": 3000, "trusted.2": 20000, "user.3": 4097},
	} {
		z.write("attrs/"+name, []byte("x"))
		for key, size := range attrs {
			z.setAttr("attrs/"+name, key, bytes.ReplaceAll(pattern(size), []byte{1}, []byte{0}))
		}
	}
	z.write("attrs/many", nil)
	for i := range 900 {
		z.setAttr("attrs/many", fmt.Sprintf("user.%s.%d", strings.Repeat("k", i%60), i), pattern(i%120))
	}
	for i := 0; i < 900; i += 3 {
		z.must(unix.Removexattr(z.path("attrs/many"), fmt.Sprintf("user.%s.%d", strings.Repeat("k", i%60), i)))
	}
	acl := []byte("\x02\x00\x00\x00\x01\x00\x06\x00\xff\xff\xff\xff\x02\x00\x04\x00\xe8\x03\x00\x00\x04\x00\x04\x00\xff\xff\xff\xff\x10\x00\x04\x00\xff\xff\xff\xff\x20\x00\x00\x00\xff\xff\xff\xff")
	z.must(os.Mkdir(z.path("attrs/acl"), 0o750))
	z.setAttr("attrs/acl", "system.posix_acl_access", acl)
	z.setAttr("attrs/acl", "system.posix_acl_default", acl)
	z.must(unix.Lsetxattr(z.path("links/short"), "trusted.link", []byte("l"), 0))
}

func (z zoo) setAttr(name, key string, value []byte) {
	z.Helper()
	if err := unix.Lsetxattr(z.path(name), key, value, 0); err != nil {
		z.Fatalf("set %q of %q: %v", key, name, err)
	}
}

// clone shares blocks of a file, and writes into some of those that are shared.
func (z zoo) clone() {
	source, err := os.Open(z.path("fragmented"))
	z.must(err)
	defer source.Close()
	z.withFile("cloned", func(fd int) error {
		err := unix.IoctlFileClone(fd, int(source.Fd()))
		_, wrote := unix.Pwrite(fd, []byte("over what is shared"), 33333)
		return errors.Join(err, wrote)
	})
}

// times sets those that the old form can hold and, where the file system has bigtime, others; without, the kernel clamps.
func (z zoo) times() {
	for name, at := range map[string]time.Time{
		"1901": time.Date(1901, 12, 14, 0, 0, 0, 1, time.UTC), "1969": time.Date(1969, 12, 31, 23, 59, 59, 999999999, time.UTC),
		"2040": time.Date(2040, 2, 3, 4, 5, 6, 7, time.UTC), "2486": time.Date(2486, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		z.write("times/"+name, nil)
		z.must(os.Chtimes(z.path("times/"+name), at, at.Add(time.Nanosecond)))
	}
}
