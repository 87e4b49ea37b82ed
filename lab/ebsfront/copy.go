package ebsfront

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// What Linux calls them; package syscall does not name them.
const (
	seekData = 3          // SEEK_DATA
	seekHole = 4          // SEEK_HOLE
	ficlone  = 0x40049409 // FICLONE
)

// copySparse copies an image as it is at this moment: as a reflink where the file system can, else range by range
// without the holes. The image may be mounted: the copy is then crash-consistent, as an EBS snapshot is.
func copySparse(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("open image: %w", err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("open copy of image: %w", err)
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	if _, _, failed := syscall.Syscall(syscall.SYS_IOCTL, out.Fd(), ficlone, in.Fd()); failed == 0 {
		return nil
	}
	return copyRanges(in, out)
}

func copyRanges(in, out *os.File) error {
	size, err := in.Seek(0, io.SeekEnd)
	if err != nil {
		return fmt.Errorf("measure image: %w", err)
	}
	if err := out.Truncate(size); err != nil {
		return fmt.Errorf("size copy of image: %w", err)
	}
	for start := int64(0); start < size; {
		from, to, err := nextData(in, start, size)
		if err != nil || from == to {
			return err
		}
		if _, err := io.Copy(io.NewOffsetWriter(out, from), io.NewSectionReader(in, from, to-from)); err != nil {
			return fmt.Errorf("copy image at %d: %w", from, err)
		}
		start = to
	}
	return nil
}

// nextData gives the first range at or after start that is not a hole; an empty one when there is none. A file system
// that knows no holes calls everything data.
func nextData(f *os.File, start, size int64) (from, to int64, err error) {
	from, err = f.Seek(start, seekData)
	if errors.Is(err, syscall.ENXIO) {
		return size, size, nil
	}
	if errors.Is(err, syscall.EINVAL) {
		return start, size, nil
	}
	if err != nil {
		return 0, 0, fmt.Errorf("seek data after %d: %w", start, err)
	}
	to, err = f.Seek(from, seekHole)
	if err != nil {
		return 0, 0, fmt.Errorf("seek hole after %d: %w", from, err)
	}
	return from, min(to, size), nil
}
