// Package block gives the bytes of a disk by offset: a raw image file, or an EBS snapshot read through the EBS direct
// APIs with every block's SHA-256 checked. It knows nothing of partitions or file systems.
package block

import (
	"fmt"
	"io"
	"os"
)

// Device is a disk that can be read at any offset. Reads are safe from many goroutines at once.
type Device interface {
	io.ReaderAt
	// Size is the disk's length in bytes.
	Size() int64
}

// File is a raw disk image opened for reading.
type File struct {
	file *os.File
	size int64
}

// OpenFile opens a raw image. Only a regular file or a block device is accepted: a FIFO would hang its reader.
func OpenFile(path string) (*File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("open disk image: %w", err)
	}
	if !info.Mode().IsRegular() && info.Mode()&(os.ModeDevice|os.ModeCharDevice) != os.ModeDevice {
		return nil, fmt.Errorf("open disk image %q: it is neither a regular file nor a block device", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open disk image: %w", err)
	}
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("measure disk image %q: %w", path, err)
	}
	return &File{file: file, size: size}, nil
}

// ReadAt reads from the image.
func (f *File) ReadAt(p []byte, off int64) (int, error) { return f.file.ReadAt(p, off) }

// Size is the image's length in bytes.
func (f *File) Size() int64 { return f.size }

// Close closes the image.
func (f *File) Close() error { return f.file.Close() }
