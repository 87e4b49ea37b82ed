package kerneltest

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/firebreak-ir/firebreak/forensics/volume"
)

const getVersion = 0x80087601 // FS_IOC_GETVERSION of linux/fs.h

// Kernel gives every entry below a mount point by its path, as the kernel tells of it. It goes down directory by
// directory, so that no path is too long. Reading would change access times: mount read-only or with noatime.
func Kernel(t testing.TB, mountpoint string) map[string]Entry {
	t.Helper()
	k := kernel{out: map[string]Entry{}}
	k.visit(unix.AT_FDCWD, mountpoint, ".")
	return k.out
}

type kernel struct{ out map[string]Entry }

// visit reads one entry and, of a directory, all below it. The directory above stays open meanwhile.
func (k kernel) visit(dir int, name, shown string) {
	var e Entry
	var st unix.Statx_t
	if err := unix.Statx(dir, name, unix.AT_SYMLINK_NOFOLLOW, unix.STATX_BASIC_STATS|unix.STATX_BTIME, &st); err != nil {
		k.out[shown] = Entry{Unread: err.Error()}
		return
	}
	e.Stat = statOf(&st)
	errs := []error{e.setXattrs(dir, name)}
	switch e.Stat.Mode & volume.TypeMask {
	case volume.TypeLink:
		errs = append(errs, e.setTarget(dir, name))
	case volume.TypeRegular:
		errs = append(errs, e.setBytes(dir, name))
	case volume.TypeDir:
		errs = append(errs, k.list(dir, name, shown, &e))
	}
	if err := errors.Join(errs...); err != nil {
		e.Unread = err.Error()
	}
	k.out[shown] = e
}

func statOf(st *unix.Statx_t) volume.Stat {
	s := volume.Stat{
		Inode: st.Ino, Mode: uint32(st.Mode), UID: st.Uid, GID: st.Gid, Links: st.Nlink, Size: int64(st.Size),
		Accessed: timeOf(st.Atime), Modified: timeOf(st.Mtime), Changed: timeOf(st.Ctime),
	}
	if kind := s.Mode & volume.TypeMask; kind == volume.TypeChar || kind == volume.TypeBlock {
		s.Major, s.Minor = st.Rdev_major, st.Rdev_minor
	}
	if st.Mask&unix.STATX_BTIME != 0 {
		s.Created = timeOf(st.Btime)
	}
	return s
}

func timeOf(ts unix.StatxTimestamp) time.Time { return time.Unix(ts.Sec, int64(ts.Nsec)).UTC() }

// open opens a file or directory for reading, and asks for its generation, which statx does not tell.
func (e *Entry) open(dir int, name string, flags int) (*os.File, error) {
	fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NOATIME|unix.O_CLOEXEC|flags, 0)
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	if generation, err := unix.IoctlGetUint32(fd, getVersion); err == nil {
		e.Stat.Generation = generation
	}
	return os.NewFile(uintptr(fd), name), nil
}

func (e *Entry) setBytes(dir int, name string) error {
	f, err := e.open(dir, name, 0)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	e.SHA256, err = sum(f, e.Stat.Size)
	return err
}

func (k kernel) list(dir int, name, shown string, e *Entry) error {
	f, err := e.open(dir, name, unix.O_DIRECTORY)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	names, err := f.Readdirnames(-1)
	for _, child := range names {
		k.visit(int(f.Fd()), child, path.Join(shown, child))
	}
	return err
}

func (e *Entry) setTarget(dir int, name string) error {
	buf := make([]byte, 64<<10)
	n, err := unix.Readlinkat(dir, name, buf)
	if err == nil {
		e.Target = string(buf[:n])
	}
	return err
}

// setXattrs names the file through its directory's descriptor: the calls that take one are newer than many kernels.
func (e *Entry) setXattrs(dir int, name string) error {
	e.Xattrs = map[string]string{}
	if dir != unix.AT_FDCWD {
		name = fmt.Sprintf("/proc/self/fd/%d/%s", dir, name)
	}
	n, err := unix.Llistxattr(name, nil)
	if err != nil || n == 0 {
		return err
	}
	buf := make([]byte, 64<<10)
	if n, err = unix.Llistxattr(name, buf); err != nil || n == 0 { // overlayfs counts its own, and does not list them
		return err
	}
	var errs []error
	value := make([]byte, 64<<10)
	for key := range strings.SplitSeq(strings.TrimSuffix(string(buf[:n]), "\x00"), "\x00") {
		n, err := unix.Lgetxattr(name, key, value)
		if err != nil {
			errs = append(errs, fmt.Errorf("attribute %q: %w", key, err))
			continue
		}
		e.Xattrs[key] = string(value[:n])
	}
	return errors.Join(errs...)
}
