package xfs_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"io/fs"
	"os"
	"testing"
	"time"

	"github.com/firebreak-ir/firebreak/forensics/xfs"
)

const block = 512

// seed is a small image, most of which is zeros: changes go where it is not.
type seed struct {
	bytes []byte
	used  []int // where blocks begin that are not empty
}

// edited is an image with some bytes changed, which costs no copy.
type edited struct {
	io.ReaderAt
	size  int64
	edits map[int64]byte
}

func (e edited) ReadAt(p []byte, off int64) (int, error) {
	n, err := e.ReaderAt.ReadAt(p, off)
	for at, b := range e.edits {
		if at >= off && at < off+int64(n) {
			p[at-off] = b
		}
	}
	return n, err
}

func readSeed(t testing.TB, name string) seed {
	t.Helper()
	f, err := os.Open("testdata/seeds/" + name + ".img.gz")
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
	s := seed{bytes: b}
	for at := 0; at < len(b); at += block {
		if !bytes.Equal(b[at:at+block], make([]byte, block)) {
			s.used = append(s.used, at)
		}
	}
	return s
}

// edit takes five bytes of the input for one change: which of the used bytes, and to what.
func (s seed) edit(input []byte) edited {
	e := edited{ReaderAt: bytes.NewReader(s.bytes), size: int64(len(s.bytes)), edits: map[int64]byte{}}
	for ; len(input) >= 5; input = input[5:] {
		at := int(binary.BigEndian.Uint32(input)) % (len(s.used) * block)
		e.edits[int64(s.used[at/block]+at%block)] = input[4]
	}
	return e
}

func seedNames() []string { return []string{"forms", "dirty", "version4"} }

// FuzzOpen changes bytes of small images and reads them: no panic, no endless loop.
func FuzzOpen(f *testing.F) {
	var seeds []seed
	for _, name := range seedNames() {
		seeds = append(seeds, readSeed(f, name))
	}
	f.Add(byte(0), []byte{})
	f.Add(byte(1), []byte{0, 0, 4, 0x60, 0xFF})
	f.Add(byte(2), []byte{0, 0, 4, 0x28, 1, 0, 0, 8, 8, 9})
	f.Fuzz(func(t *testing.T, n byte, edits []byte) {
		readInTime(t, seeds[int(n)%len(seeds)].edit(edits))
	})
}

// TestFlippedBytes changes bytes of the metadata of small images in turn.
func TestFlippedBytes(t *testing.T) {
	for _, name := range seedNames() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := readSeed(t, name)
			for at := 0; at < len(s.used)*block; at += 21011 {
				place := int64(s.used[at/block] + at%block)
				readInTime(t, edited{bytes.NewReader(s.bytes), int64(len(s.bytes)), map[int64]byte{place: ^s.bytes[place]}})
			}
		})
	}
}

func readInTime(t *testing.T, image edited) {
	t.Helper()
	begin := time.Now()
	readEverything(image)
	if took := time.Since(begin); took > 20*time.Second {
		t.Errorf("it took %s", took)
	}
}

// readEverything reads as an analysis does, within small limits.
func readEverything(image edited) {
	limits := xfs.Options{MaxDirEntries: 2000, MaxDirBytes: 1 << 20, MaxReplayBytes: 8 << 20, CacheBytes: 1 << 20}
	disk, err := xfs.Open(image, image.size, limits)
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
		info, err := d.Info()
		if err != nil {
			return nil //nolint:nilerr // the walk has reported it
		}
		_, _ = disk.Xattrs(info)
		_, _ = disk.Extents(info, 100)
		_, _ = disk.ReadLink(p)
		if file, err := disk.OpenFound(info); err == nil {
			_, _ = io.Copy(io.Discard, io.LimitReader(file, 1<<20))
		}
		return nil
	})
}
