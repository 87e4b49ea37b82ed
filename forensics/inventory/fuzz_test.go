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
	for _, name := range []string{"dirty", "inline", "ext2"} {
		seeds = append(seeds, gunzip(f, "../ext4/testdata/seeds/"+name+".img.gz"))
	}
	f.Add(byte(0), []byte{})
	f.Add(byte(1), []byte{0, 0, 4, 0x60, 0xFF})
	f.Add(byte(2), []byte{0, 0, 4, 0x28, 1, 0, 0, 8, 8, 9})
	f.Fuzz(func(t *testing.T, seed byte, edits []byte) {
		image := bytes.Clone(seeds[int(seed)%len(seeds)])
		for ; len(edits) >= 5; edits = edits[5:] {
			image[int(binary.BigEndian.Uint32(edits))%len(image)] = edits[4]
		}
		sameOf(t, image, "edited")
	})
}
