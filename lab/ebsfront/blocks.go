package ebsfront

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

// BlockSize is that of the EBS direct APIs.
const BlockSize = 512 << 10

// indexes gives the blocks of the snapshot that are not zero, ascending.
func (s *store) indexes(one snapshot) ([]int32, error) {
	if !one.Image {
		return nil, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if known, ok := s.blocks[one.ID]; ok {
		return known, nil
	}
	found, err := dataBlocks(s.image(one.ID))
	if err != nil {
		return nil, err
	}
	s.blocks[one.ID] = found
	return found, nil
}

// dataBlocks finds the blocks of an image that hold anything but zeros; holes are skipped without being read.
func dataBlocks(path string) ([]int32, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open image: %w", err)
	}
	defer f.Close()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, fmt.Errorf("measure image: %w", err)
	}
	var out []int32
	zeros, buffer := make([]byte, BlockSize), make([]byte, BlockSize)
	for start := int64(0); start < size; start += BlockSize {
		from, to, err := nextData(f, start, size)
		if err != nil {
			return nil, err
		}
		if from == to {
			break
		}
		start = from - from%BlockSize
		n, err := f.ReadAt(buffer, start)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("read image at %d: %w", start, err)
		}
		if !bytes.Equal(buffer[:n], zeros[:n]) {
			out = append(out, int32(start/BlockSize))
		}
	}
	return out, nil
}

// block reads one block, filled up with zeros behind the image's end.
func (s *store) block(id string, index int32) ([]byte, error) {
	f, err := os.Open(s.image(id))
	if err != nil {
		return nil, fmt.Errorf("open image: %w", err)
	}
	defer f.Close()
	data := make([]byte, BlockSize)
	if _, err := f.ReadAt(data, int64(index)*BlockSize); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read block %d: %w", index, err)
	}
	return data, nil
}
