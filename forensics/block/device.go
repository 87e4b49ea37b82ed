// Package block gives the bytes of a disk by offset: a raw image file, or an EBS snapshot read through the EBS direct
// APIs with every block's SHA-256 checked. It knows nothing of partitions or file systems.
package block

import (
	"fmt"
	"io"
	"math/bits"
	"os"
	"sync/atomic"
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
	read []atomic.Uint64 // a bit for each piece that was read
}

// piece is in what lengths a file's reads are counted: as long as a block of EBS.
const piece = 512 << 10

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
	return &File{file: file, size: size, read: make([]atomic.Uint64, (size+64*piece-1)/(64*piece))}, nil
}

// ReadAt reads from the image.
func (f *File) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.file.ReadAt(p, off)
	for at := off / piece; n > 0 && at <= (off+int64(n)-1)/piece && at/64 < int64(len(f.read)); at++ {
		if bit := uint64(1) << (at % 64); f.read[at/64].Load()&bit == 0 {
			f.read[at/64].Or(bit)
		}
	}
	return n, err
}

// Prefetch leaves reading ahead to the kernel.
func (f *File) Prefetch(int64, int64) {}

// Remote is false.
func (f *File) Remote() bool { return false }

// Stats counts the pieces of 512 KiB that were read, as if the image were a snapshot.
func (f *File) Stats() Stats {
	out := Stats{Blocks: int((f.size + piece - 1) / piece)}
	for i := range f.read {
		out.Read += bits.OnesCount64(f.read[i].Load())
	}
	out.Bytes = min(int64(out.Read)*piece, f.size)
	return out
}

// Size is the image's length in bytes.
func (f *File) Size() int64 { return f.size }

// Close closes the image.
func (f *File) Close() error { return f.file.Close() }
