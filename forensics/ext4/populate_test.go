package ext4_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// must ends the test where the kernel refuses what a test's tree needs.
func must(t testing.TB, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// populate lets the kernel make everything that a file system can hold, in a mounted one.
func populate(t testing.TB, dir string) {
	t.Helper()
	for _, size := range []int{0, 1, 59, 60, 61, 100, 160, 1023, 1024, 1025, 4096, 65537, 1 << 20} {
		write(t, filepath.Join(dir, fmt.Sprintf("sizes/%d", size)), pattern(size))
	}
	for i := range 700 {
		write(t, filepath.Join(dir, fmt.Sprintf("many/a-rather-long-name-to-fill-blocks-%04d", i)), nil)
	}
	for _, name := range []string{"\xff\xfe bytes é\n", "\x1b[31mred", strings.Repeat("n", 255), "-rf", " "} {
		write(t, filepath.Join(dir, "odd", name), []byte(name))
	}
	layouts(t, filepath.Join(dir, "layouts"))
	specials(t, filepath.Join(dir, "specials"))
	attributes(t, filepath.Join(dir, "attributes"))
	owners(t, filepath.Join(dir, "owners"))
	times(t, filepath.Join(dir, "times"))
	deep(t, dir, 150)
}

// layouts are the ways in which a file's bytes can lie, or not.
func layouts(t testing.TB, dir string) {
	t.Helper()
	must(t, os.Mkdir(dir, 0o755))
	sparse(t, filepath.Join(dir, "sparse"))
	must(t, os.WriteFile(filepath.Join(dir, "all hole"), nil, 0o600), os.Truncate(filepath.Join(dir, "all hole"), 20<<20+1))
	f, err := os.Create(filepath.Join(dir, "unwritten"))
	must(t, err)
	must(t, ignoring(unix.Fallocate(int(f.Fd()), 0, 0, 300_000), unix.EOPNOTSUPP))
	_, err = f.WriteAt(pattern(5000), 100_000)
	must(t, err, f.Close())
	f, err = os.Create(filepath.Join(dir, "allocated beyond its end"))
	must(t, err)
	must(t, ignoring(unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_KEEP_SIZE, 0, 200_000), unix.EOPNOTSUPP))
	_, err = f.Write(pattern(70_001))
	must(t, err, f.Close())
	f, err = os.Create(filepath.Join(dir, "punched"))
	must(t, err)
	_, err = f.Write(pattern(400_000))
	must(t, err, f.Sync(), ignoring(unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 50_000, 90_000), unix.EOPNOTSUPP), f.Close())
	pieces(t, filepath.Join(dir, "pieces"), 500, 8192)
}

// ignoring leaves an error out that says that the file system cannot do this.
func ignoring(err error, known ...error) error {
	for _, k := range known {
		if errors.Is(err, k) {
			return nil
		}
	}
	return err
}

// pieces writes a file with a hole after each piece: more extents than an inode holds.
func pieces(t testing.TB, name string, n int, stride int64) {
	t.Helper()
	f, err := os.Create(name)
	must(t, err)
	for i := range n {
		_, err := f.WriteAt(fmt.Appendf(nil, "piece %d", i), int64(i)*stride)
		must(t, err)
	}
	must(t, f.Sync(), f.Close())
}

func specials(t testing.TB, dir string) {
	t.Helper()
	must(t, os.Mkdir(dir, 0o755))
	for name, d := range map[string]struct{ kind, major, minor uint32 }{
		"null": {unix.S_IFCHR, 1, 3}, "whiteout": {unix.S_IFCHR, 0, 0}, "char, new": {unix.S_IFCHR, 300, 70_000}, "char, minor 256": {unix.S_IFCHR, 8, 256},
		"block, old": {unix.S_IFBLK, 255, 255}, "block, new": {unix.S_IFBLK, 4095, 1<<20 - 1}, "pipe": {kind: unix.S_IFIFO},
	} {
		must(t, unix.Mknod(filepath.Join(dir, name), d.kind|0o640, int(unix.Mkdev(d.major, d.minor))))
	}
	must(t, unix.Mknod(filepath.Join(dir, "socket"), unix.S_IFSOCK|0o600, 0))
	for _, length := range []int{1, 58, 59, 60, 61, 155, 156, 157, 1000, 1023, 4000, 4095} {
		must(t, ignoring(os.Symlink(strings.Repeat("t", length), filepath.Join(dir, fmt.Sprintf("link-%d", length))), unix.ENAMETOOLONG))
	}
	write(t, filepath.Join(dir, "linked"), []byte("linked"))
	for _, name := range []string{"linked", "pipe", "null"} {
		must(t, os.Link(filepath.Join(dir, name), filepath.Join(dir, name+" too")))
	}
	must(t, os.Symlink("../../../etc/shadow", filepath.Join(dir, "up")))
}

// attributes sets attributes of every kind, few and many, small and large, on files of every type.
func attributes(t testing.TB, dir string) {
	t.Helper()
	set := func(name, key string, value []byte) {
		t.Helper()
		if err := unix.Lsetxattr(filepath.Join(dir, name), key, value, 0); ignoring(err, unix.ENOSPC, unix.E2BIG, unix.EOPNOTSUPP) != nil {
			t.Fatalf("set %q of %q: %v", key, name, err)
		}
	}
	must(t, os.MkdirAll(filepath.Join(dir, "dir"), 0o755), os.Symlink("x", filepath.Join(dir, "link")), os.Symlink(strings.Repeat("x", 100), filepath.Join(dir, "long link")))
	must(t, unix.Mknod(filepath.Join(dir, "device"), unix.S_IFCHR|0o600, int(unix.Mkdev(0, 0))))
	for _, name := range []string{"few", "many", "large", "huge", "two alike", "two alike too", "acl"} {
		write(t, filepath.Join(dir, name), []byte(name))
	}
	for _, name := range []string{"few", "dir", "link", "long link", "device"} {
		set(name, "trusted.overlay.opaque", []byte("y"))
		set(name, "trusted.overlay.metacopy", nil)
	}
	set("few", "user.empty", nil)
	set("few", "security.capability", append([]byte{1, 0, 0, 2}, pattern(16)...))
	for i := range 40 {
		set("many", fmt.Sprintf("user.attribute-%02d", i), pattern(i))
	}
	set("large", "user.large", pattern(900))
	for _, name := range []string{"huge", "two alike", "two alike too"} {
		set(name, "user.huge", pattern(60_000))
		set(name, "user.block", pattern(3000))
	}
	for _, name := range []string{"acl", "dir"} {
		set(name, "system.posix_acl_access", acl(true))
	}
	set("dir", "system.posix_acl_default", acl(false))
}

// acl is an access control list as the kernel takes it: owner, perhaps two users, group, mask, others (linux/posix_acl_xattr.h).
func acl(users bool) []byte {
	b := binary.LittleEndian.AppendUint32(nil, 2)
	add := func(tag, perm uint16, id uint32) {
		b = binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint16(b, tag), perm)
		b = binary.LittleEndian.AppendUint32(b, id)
	}
	add(0x01, 7, math.MaxUint32)
	if users {
		add(0x02, 5, 1000)
		add(0x02, 4, 100_000)
	}
	add(0x04, 5, math.MaxUint32)
	if users {
		add(0x08, 6, 70_000)
		add(0x10, 7, math.MaxUint32)
	}
	add(0x20, 4, math.MaxUint32)
	return b
}

func owners(t testing.TB, dir string) {
	t.Helper()
	for i, id := range [][2]int{{0, 0}, {65535, 65534}, {65536, 70_000}, {math.MaxUint32 - 1, math.MaxUint32 - 1}} {
		name := filepath.Join(dir, fmt.Sprint(i))
		write(t, name, nil)
		must(t, os.Lchown(name, id[0], id[1]))
	}
	for _, mode := range []fs.FileMode{0, 0o777, 0o4755, 0o2755, 0o1777, 0o7777} {
		name := filepath.Join(dir, fmt.Sprintf("%o", mode))
		write(t, name, nil)
		must(t, unix.Chmod(name, uint32(mode)))
	}
	must(t, os.Mkdir(filepath.Join(dir, "sticky"), 0o755), unix.Chmod(filepath.Join(dir, "sticky"), 0o3777))
}

// times sets times around every boundary of their encoding.
func times(t testing.TB, dir string) {
	t.Helper()
	for i, sec := range []int64{0, -1, math.MinInt32, math.MaxInt32, math.MaxInt32 + 1, math.MaxUint32, math.MaxUint32 + 1, 1 << 33, 15_032_385_535, -86_400} {
		name := filepath.Join(dir, fmt.Sprint(i))
		write(t, name, nil)
		must(t, unix.UtimesNanoAt(unix.AT_FDCWD, name, []unix.Timespec{{Sec: sec, Nsec: 999_999_999}, {Sec: sec, Nsec: int64(i)}}, 0))
	}
}

// deep makes a path that is too long for one call of the kernel.
func deep(t testing.TB, dir string, levels int) {
	t.Helper()
	at, err := unix.Open(dir, unix.O_DIRECTORY, 0)
	must(t, err)
	name := string(bytes.Repeat([]byte("d"), 60))
	for range levels {
		must(t, unix.Mkdirat(at, name, 0o755))
		next, err := unix.Openat(at, name, unix.O_DIRECTORY, 0)
		must(t, err, unix.Close(at))
		at = next
	}
	fd, err := unix.Openat(at, "bottom", unix.O_CREAT|unix.O_WRONLY, 0o600)
	must(t, err)
	_, err = unix.Write(fd, []byte("bottom"))
	must(t, err, unix.Close(fd), unix.Close(at))
}
