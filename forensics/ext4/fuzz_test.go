package ext4_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"io/fs"
	"os"
	"testing"
	"time"

	"github.com/firebreak-ir/firebreak/forensics/ext4"
)

// FuzzOpen changes bytes of small images and reads them: no panic, no endless loop. Five bytes of the input are one
// change, so that the fuzzer works on changes and not on megabytes of zeros.
func FuzzOpen(f *testing.F) {
	seeds := [][]byte{}
	for _, name := range []string{"dirty", "inline", "ext2"} {
		seeds = append(seeds, gunzip(f, "testdata/seeds/"+name+".img.gz"))
	}
	f.Add(byte(0), []byte{})
	f.Add(byte(1), []byte{0, 0, 4, 0x60, 0xFF})
	f.Add(byte(2), []byte{0, 0, 4, 0x28, 1, 0, 0, 8, 8, 9})
	f.Fuzz(func(t *testing.T, seed byte, edits []byte) {
		image := bytes.Clone(seeds[int(seed)%len(seeds)])
		for ; len(edits) >= 5; edits = edits[5:] {
			image[int(binary.BigEndian.Uint32(edits))%len(image)] = edits[4]
		}
		begin := time.Now()
		readEverything(image)
		if took := time.Since(begin); took > 20*time.Second {
			t.Errorf("it took %s", took)
		}
	})
}

// TestFlippedBits changes every byte of the metadata of a small image in turn.
func TestFlippedBits(t *testing.T) {
	for _, seed := range []string{"dirty", "inline"} {
		image := gunzip(t, "testdata/seeds/"+seed+".img.gz")
		step := 101
		if testing.Short() {
			step = 997
		}
		for at := 1024; at < len(image); at += step {
			if image[at] == 0 && at%64 != 0 { // most of the image is empty
				continue
			}
			image[at] ^= 0xFF
			readEverything(image)
			image[at] ^= 0xFF
		}
	}
}

// readEverything reads as an analysis does, within small limits.
func readEverything(image []byte) {
	limits := ext4.Options{MaxDirEntries: 1000, MaxDirBytes: 1 << 20, MaxJournalBlocks: 4096, CacheBytes: 1 << 20}
	disk, err := ext4.Open(bytes.NewReader(image), int64(len(image)), limits)
	if err != nil {
		return
	}
	seen := 0
	_ = disk.Walk(".", func(p string, d fs.DirEntry, _ error) error {
		if seen++; seen > 500 {
			return fs.SkipAll
		}
		if d == nil {
			return nil
		}
		if info, err := d.Info(); err == nil {
			_, _ = disk.Xattrs(info)
		}
		_, _ = disk.ReadLink(p)
		if file, err := disk.OpenFile(p); err == nil {
			_, _ = io.Copy(io.Discard, io.LimitReader(file, 1<<20))
		}
		return nil
	})
}

func gunzip(t testing.TB, name string) []byte {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
