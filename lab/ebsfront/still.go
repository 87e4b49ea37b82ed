package ebsfront

import (
	"bytes"
	"fmt"
	"io"
	"os"
)

// stillAttempts bounds how often a copy is made of an image that is written to meanwhile.
const stillAttempts = 20

// copyStill copies an image as it was at one moment, as EBS does: a copy that the image differs from when it is
// through may hold the journal of one moment and the blocks of another, and is made again.
func copyStill(from, to string) error {
	for range stillAttempts {
		if err := copySparse(from, to); err != nil {
			return err
		}
		same, err := sameData(from, to)
		if err != nil || same {
			return err
		}
		if err := os.Remove(to); err != nil {
			return fmt.Errorf("drop a torn copy: %w", err)
		}
	}
	return fmt.Errorf("image %q was written to during each of %d copies", from, stillAttempts)
}

// sameData compares the data of an image with its copy. What the image has in neither is a hole in both.
func sameData(from, to string) (bool, error) {
	image, err := os.Open(from)
	if err != nil {
		return false, fmt.Errorf("open image: %w", err)
	}
	defer image.Close()
	copied, err := os.Open(to)
	if err != nil {
		return false, fmt.Errorf("open copy of image: %w", err)
	}
	defer copied.Close()
	size, err := image.Seek(0, io.SeekEnd)
	if err != nil {
		return false, fmt.Errorf("measure image: %w", err)
	}
	for start := int64(0); start < size; {
		data, end, err := nextData(image, start, size)
		if err != nil || data == end {
			return err == nil, err
		}
		if same, err := equalRange(image, copied, data, end); err != nil || !same {
			return false, err
		}
		start = end
	}
	return true, nil
}

func equalRange(image, copied io.ReaderAt, from, to int64) (bool, error) {
	const step = 1 << 20
	a, b := make([]byte, step), make([]byte, step)
	for at := from; at < to; at += step {
		n := min(step, to-at)
		if _, err := image.ReadAt(a[:n], at); err != nil {
			return false, fmt.Errorf("read image at %d: %w", at, err)
		}
		if _, err := copied.ReadAt(b[:n], at); err != nil {
			return false, fmt.Errorf("read copy of image at %d: %w", at, err)
		}
		if !bytes.Equal(a[:n], b[:n]) {
			return false, nil
		}
	}
	return true, nil
}
