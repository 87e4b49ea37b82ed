package inventory

import (
	"context"
	"crypto/sha256"
	"io"
	"sync"

	"github.com/firebreak-ir/firebreak/forensics/volume"
)

const (
	chunk    = 1 << 20 // bytes that are read at a time
	prefetch = 8 << 20 // files from this length on are read while they are hashed
)

// buffers are what one goroutine needs to hash, of a chunk each.
type buffers [2][]byte

// bytes gives n bytes of a buffer, which is made when it is first needed, and small where that will do.
func (b *buffers) bytes(i int, n int64) []byte {
	if int64(cap(b[i])) < n {
		size := int64(chunk)
		if n <= chunk/16 {
			size = chunk / 16
		}
		b[i] = make([]byte, size)
	}
	return b[i][:n]
}

// digest is what hashing gave.
type digest struct {
	sum     [sha256.Size]byte
	hashed  bool
	problem string // why it was not
}

// hashFile hashes a file from its beginning to its end. Its reads are the same whoever calls it, so that what it says about
// damage is.
func hashFile(ctx context.Context, f volume.File, size int64, b *buffers) digest {
	h := sha256.New()
	read := readChunks
	if size >= prefetch {
		read = readAheadOf
	}
	if err := read(ctx, f, size, b, func(p []byte) { h.Write(p) }); err != nil {
		return digest{problem: err.Error()}
	}
	d := digest{hashed: true}
	h.Sum(d.sum[:0])
	return d
}

func readChunks(ctx context.Context, f io.ReaderAt, size int64, b *buffers, do func([]byte)) error {
	for at := int64(0); at < size; at += chunk {
		p := b.bytes(0, min(chunk, size-at))
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := readFull(f, p, at); err != nil {
			return err
		}
		do(p)
	}
	return nil
}

// readAheadOf reads a chunk while the one before it is in use.
func readAheadOf(ctx context.Context, f io.ReaderAt, size int64, b *buffers, do func([]byte)) error {
	full, free := make(chan []byte), make(chan []byte, 2)
	free <- b.bytes(0, chunk)
	free <- b.bytes(1, chunk)
	var err error // written before full is closed
	var reader sync.WaitGroup
	defer reader.Wait()
	reader.Go(func() {
		defer close(full)
		for at := int64(0); at < size; at += chunk {
			p := (<-free)[:min(chunk, size-at)]
			if err = ctx.Err(); err == nil {
				err = readFull(f, p, at)
			}
			if err != nil {
				return
			}
			full <- p
		}
	})
	for p := range full {
		do(p)
		free <- p[:cap(p)]
	}
	return err
}

func readFull(f io.ReaderAt, p []byte, at int64) error {
	n, err := f.ReadAt(p, at)
	if n == len(p) {
		return nil
	}
	if err == nil || err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}
