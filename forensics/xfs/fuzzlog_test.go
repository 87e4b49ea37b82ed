package xfs

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"io/fs"
	"os"
	"testing"
)

// logged is a small image that stopped in the middle of its work, and where the records of its log lie.
type logged struct {
	image   []byte
	records [][2]int // begin and length
}

func readLogged(t testing.TB) logged {
	t.Helper()
	f, err := os.Open("testdata/seeds/dirty.img.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	image, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	disk, err := Open(bytes.NewReader(image), int64(len(image)), Options{SkipJournal: true})
	if err != nil {
		t.Fatal(err)
	}
	l := disk.openLog()
	b, err := l.findBounds()
	if err != nil {
		t.Fatal(err)
	}
	out := logged{image: image}
	_, err = l.eachRecord(b.tail, b.head, func(h *header, _ []byte) error {
		out.records = append(out.records, [2]int{int(l.start + h.at*sectorSize), int(h.sectors() * sectorSize)})
		return nil
	})
	if err != nil || len(out.records) == 0 {
		t.Fatalf("%d records, %v", len(out.records), err)
	}
	return out
}

// edit changes bytes of records, five of the input for each, and makes their checksums anew: an intruder can, too. It gives
// what puts the image back.
func (l logged) edit(input []byte) (restore func()) {
	undo := map[int][]byte{}
	for ; len(input) >= 5; input = input[5:] {
		r := l.records[int(input[0])%len(l.records)]
		if _, ok := undo[r[0]]; !ok {
			undo[r[0]] = bytes.Clone(l.image[r[0] : r[0]+r[1]])
		}
		at := (int(binary.BigEndian.Uint16(input[1:]))*7 + int(input[3])) % r[1]
		if at%sectorSize >= cycleSize { // a wrong turn ends the log
			l.image[r[0]+at] = input[4]
		}
	}
	for at, before := range undo {
		b := l.image[at : at+len(before)]
		h := header{headers: 1, length: int64(len(b) - sectorSize)}
		if length := int64(binary.BigEndian.Uint32(b[12:])); length <= h.length {
			h.length = length
		}
		binary.LittleEndian.PutUint32(b[32:], recordSum(&h, b, 328))
	}
	return func() {
		for at, before := range undo {
			copy(l.image[at:], before)
		}
	}
}

// FuzzLog replays a log whose bytes were changed and whose checksums are right.
func FuzzLog(f *testing.F) {
	l := readLogged(f)
	f.Add([]byte{})
	f.Add([]byte{0, 0, 90, 3, 1, 1, 1, 20, 9, 255})
	f.Add([]byte{0, 0, 80, 0, 8, 0, 0, 81, 9, 0, 1, 2, 3, 4, 5})
	f.Fuzz(func(_ *testing.T, input []byte) {
		defer l.edit(input)()
		limits := Options{MaxDirEntries: 2000, MaxDirBytes: 1 << 20, MaxReplayBytes: 8 << 20, CacheBytes: 1 << 20}
		disk, err := Open(bytes.NewReader(l.image), int64(len(l.image)), limits)
		if err != nil {
			return
		}
		seen := 0
		_ = disk.Walk(".", func(_ string, d fs.DirEntry, _ error) error {
			if seen++; seen > 100 || d == nil {
				return fs.SkipAll
			}
			if info, err := d.Info(); err == nil {
				_, _ = disk.Xattrs(info)
			}
			return nil
		})
	})
}

// TestChangedLog makes sure that the fuzzer's changes get as far as the items: with right checksums, wrong ones do not.
func TestChangedLog(t *testing.T) {
	l := readLogged(t)
	restore := l.edit([]byte{0, 0, 90, 3, 1})
	disk, err := Open(bytes.NewReader(l.image), int64(len(l.image)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if disk.Replayed().Transactions == 0 {
		t.Errorf("%+v, damage %v", disk.Replayed(), disk.Damage())
	}
	restore()
}
