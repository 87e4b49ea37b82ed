package block

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// readAll reads the image's bytes through a reader, in pieces of a file system's block.
func readAll(t *testing.T, r *Reader, image []byte) {
	t.Helper()
	got := make([]byte, len(image))
	for at := 0; at < len(got); at += 32 << 10 {
		if _, err := r.ReadAt(got[at:at+32<<10], int64(at)); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(got, image) {
		t.Error("what was read differs from the image")
	}
}

// TestKeptBlocks fetches nothing twice: an analysis that was killed is gone on with from the disk, and what does not match
// its checksum any more is fetched again.
func TestKeptBlocks(t *testing.T) {
	s, keep := serve(10, 4), Local{Dir: t.TempDir()}
	first := readerOf(t, s, Options{}, keep)
	readAll(t, first, s.Image[:6*testBlock])
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	fetched := s.Fetches(-1)
	data, index := filepath.Join(keep.Dir, testID+".blocks"), filepath.Join(keep.Dir, testID+".jsonl")
	overwrite(t, data, 3*testBlock+77)
	appendTo(t, index, `{"index":9,"offs`) // torn by a kill
	second := readerOf(t, s, Options{}, keep)
	readAll(t, second, s.Image)
	want := 9 - fetched + 1 // what was not read, and the block that was overwritten
	if n := s.Fetches(-1) - fetched; n != want || s.Fetches(3) != 2 {
		t.Errorf("%d blocks fetched again, want %d; block 3 %d times", n, want, s.Fetches(3))
	}
	if st := second.Stats(); st.Reused != fetched-1 || st.Read != 9 {
		t.Errorf("%+v, %d fetched before", st, fetched)
	}
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	before := s.Fetches(-1)
	readAll(t, readerOf(t, s, Options{}, keep), s.Image)
	if n := s.Fetches(-1) - before; n != 0 {
		t.Errorf("%d blocks fetched a third time", n)
	}
}

// TestKeptBlocksOfAnother takes nothing from a snapshot of another shape under the same id.
func TestKeptBlocksOfAnother(t *testing.T) {
	keep := Local{Dir: t.TempDir()}
	one := serve(5)
	r := readerOf(t, one, Options{}, keep)
	readAll(t, r, one.Image)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	other := serve(7)
	again := readerOf(t, other, Options{}, keep)
	readAll(t, again, other.Image)
	if st := again.Stats(); st.Reused != 0 || st.Read != 7 {
		t.Errorf("%+v", st)
	}
}

// TestKeepingIsBounded keeps as many bytes as may be, says so, and reads the rest all the same.
func TestKeepingIsBounded(t *testing.T) {
	s := serve(10)
	r := readerOf(t, s, Options{}, Local{Dir: t.TempDir(), Bytes: 3 * testBlock})
	readAll(t, r, s.Image)
	if st := r.Stats(); !strings.Contains(st.NotKept, "1572864 bytes") || len(r.local.has) != 3 {
		t.Errorf("%d blocks kept, %+v", len(r.local.has), st)
	}
}

// TestOneAnalysisAtATime keeps a second analysis away from the files of the first.
func TestOneAnalysisAtATime(t *testing.T) {
	s, keep := serve(2), Local{Dir: t.TempDir()}
	readerOf(t, s, Options{}, keep)
	if _, err := snapshotOf(t, s, Options{}).OpenReader(t.Context(), keep); !errors.Is(err, ErrBusy) {
		t.Errorf("got %v", err)
	}
}

// TestDiskThatCannotKeep reads on without keeping, and says why.
func TestDiskThatCannotKeep(t *testing.T) {
	s := serve(4)
	r := readerOf(t, s, Options{}, Local{Dir: t.TempDir()})
	if err := r.local.log.Close(); err != nil { // as if the disk were gone
		t.Fatal(err)
	}
	readAll(t, r, s.Image)
	if st := r.Stats(); !strings.Contains(st.NotKept, "keep block") {
		t.Errorf("%+v", st)
	}
}

// TestOpen opens an image by its path, whatever it is called, and a snapshot by its id.
func TestOpen(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, testID)
	if err := os.WriteFile(path, bytes.Repeat([]byte("image"), 300_000), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := Open(t.Context(), path, OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	if _, err := file.ReadAt(make([]byte, 10), 600_000); err != nil || file.Remote() {
		t.Error(err)
	}
	if st := file.Stats(); st.Blocks != 3 || st.Read != 1 || st.Bytes != 512<<10 {
		t.Errorf("%+v", st)
	}
	s := serve(3)
	disk, err := Open(t.Context(), testID, OpenOptions{Client: clientOf(s), Local: Local{Dir: dir}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = disk.Close() }()
	if _, err := disk.ReadAt(make([]byte, 10), testBlock); err != nil || !disk.Remote() || disk.Stats().Blocks != 3 {
		t.Errorf("%+v, %v", disk.Stats(), err)
	}
	if _, err := Open(t.Context(), "snap-not-an-id", OpenOptions{Client: clientOf(s)}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a path that is none gave %v", err)
	}
}

// FuzzParseLocal reads whatever index was left.
func FuzzParseLocal(f *testing.F) {
	header := `{"snapshot":"snap-1","size":1073741824,"blockSize":524288,"blocks":2}` + "\n"
	f.Add([]byte(header + `{"index":7,"offset":3670016,"length":524288,"checksum":"x","fetched":"2026-01-02T03:04:05Z"}` + "\n" + `{"index":0`))
	f.Add([]byte(header + `{"index":-1,"offset":-524288,"length":524288,"checksum":"x"}` + "\n"))
	wanted := Header{"snap-1", 1 << 30, testBlock, 2}
	holds := func(index int32) bool { return index == 0 || index == 7 }
	f.Fuzz(func(t *testing.T, raw []byte) {
		entries, end := parseLocal(raw, wanted, holds)
		if end < 0 || end > int64(len(raw)) || end > 0 && raw[end-1] != '\n' {
			t.Fatalf("the last line ends at %d of %d bytes", end, len(raw))
		}
		for _, e := range entries {
			if !holds(e.Index) || e.Length != testBlock || e.Offset != int64(e.Index)*testBlock {
				t.Errorf("%+v", e)
			}
		}
	})
}
