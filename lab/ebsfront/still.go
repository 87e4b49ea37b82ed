package ebsfront

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// stillAttempts bounds how often copies are made of images that are written to meanwhile.
const stillAttempts = 20

// copying is one image and the place of its copy.
type copying struct{ from, to string }

// copyStill copies all images as they were at one moment, as EBS does. All are copied before any is compared: those that
// are the same then were so, all of them, between the last copy and the first comparison. What differs was written to
// meanwhile, and may hold the journal of one moment and the blocks of another: it is copied again, and all are compared
// again. On failure the copies stay, for the caller to drop.
func copyStill(all []copying, copyOne func(from, to string) error) error {
	stale := all
	for range stillAttempts {
		for _, c := range stale {
			if err := os.Remove(c.to); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("drop a torn copy: %w", err)
			}
			if err := copyOne(c.from, c.to); err != nil {
				return err
			}
		}
		var err error
		if stale, err = different(all); err != nil || len(stale) == 0 {
			return err
		}
	}
	return fmt.Errorf("image %q was written to during each of %d copies", stale[0].from, stillAttempts)
}

// different finds the images that are not what was copied of them.
func different(all []copying) ([]copying, error) {
	var found []copying
	for _, c := range all {
		same, err := sameData(c.from, c.to)
		if err != nil {
			return nil, err
		}
		if !same {
			found = append(found, c)
		}
	}
	return found, nil
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
