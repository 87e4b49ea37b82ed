package inventory_test

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// FuzzBulk changes bytes of small images and wants both ways to say the same of them. Five bytes of the input are one
// change, so that the fuzzer works on changes and not on megabytes of zeros.
func FuzzBulk(f *testing.F) {
	seeds := [][]byte{}
	for _, one := range damageable {
		seeds = append(seeds, gunzip(f, "../"+one.path+".img.gz"))
	}
	f.Add(byte(0), []byte{})
	f.Add(byte(1), []byte{0, 0, 4, 0x60, 0xFF})
	f.Add(byte(2), []byte{0, 0, 4, 0x28, 1, 0, 0, 8, 8, 9})
	f.Add(byte(3), []byte{0, 0, 4, 0x60, 0xFF})
	f.Add(byte(4), []byte{})
	f.Add(byte(5), []byte{0, 1, 0, 0x50, 8})
	f.Fuzz(func(t *testing.T, seed byte, edits []byte) {
		which := int(seed) % len(seeds)
		image := bytes.Clone(seeds[which])
		for ; len(edits) >= 5; edits = edits[5:] {
			image[int(binary.BigEndian.Uint32(edits))%len(image)] = edits[4]
		}
		sameOf(t, image, damageable[which].open, "edited")
	})
}
