package block

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func target(t *testing.T) Target {
	dir := t.TempDir()
	return Target{Image: filepath.Join(dir, "disk.raw"), Index: filepath.Join(dir, "blocks.jsonl")}
}

func fixedClock() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

// linearOf computes AWS's LINEAR checksum from the image itself.
func (d *disk) linearOf() string {
	h := sha256.New()
	for _, index := range d.held() {
		block := make([]byte, testBlock)
		copy(block, d.image[int(index)*testBlock:])
		sum := sha256.Sum256(block)
		h.Write(sum[:])
	}
	return hex.EncodeToString(h.Sum(nil))
}

func (d *disk) sameImage(path string) {
	d.t.Helper()
	f, err := os.Open(path)
	if err != nil {
		d.t.Fatal(err)
	}
	defer f.Close()
	got, zeros := make([]byte, testBlock), make([]byte, testBlock)
	for at := 0; at < 1<<30; at += testBlock {
		if at == 100*testBlock { // far behind the data: the end is as good as the middle
			at = 1<<30 - testBlock
		}
		want := bytes.Clone(zeros)
		if at < len(d.image) {
			copy(want, d.image[at:])
		}
		if _, err := f.ReadAt(got, int64(at)); err != nil || !bytes.Equal(got, want) {
			d.t.Fatalf("the exported image differs from the volume's at %d: %v", at, err)
		}
	}
}

func TestExportWritesTheVolume(t *testing.T) {
	d := newDisk(t, 1)
	var indexes [][]byte
	for _, concurrency := range []int{1, 16} {
		to := target(t)
		var last, total int64
		out, err := Export(t.Context(), d.open(Options{Concurrency: concurrency, Clock: fixedClock}), to,
			ExportOptions{Progress: func(done, all int64) { last, total = done, all }})
		if err != nil {
			t.Fatal(err)
		}
		n := len(d.held())
		want := Exported{Snapshot: d.snapshot, Size: 1 << 30, BlockSize: testBlock, Blocks: n, Read: n, Bytes: int64(n) * testBlock, Linear: d.linearOf()}
		if diff := cmp.Diff(want, out); diff != "" {
			t.Errorf("exported (-want +got):\n%s", diff)
		}
		if last != total || total != want.Bytes {
			t.Errorf("progress ended at %d of %d", last, total)
		}
		d.sameImage(to.Image)
		sparse(t, to.Image, want.Bytes)
		raw, err := os.ReadFile(to.Index)
		if err != nil {
			t.Fatal(err)
		}
		indexes = append(indexes, raw)
	}
	if !bytes.Equal(indexes[0], indexes[1]) {
		t.Error("the index depends on the concurrency")
	}
}

func sparse(t *testing.T, path string, most int64) {
	t.Helper()
	var stat syscall.Stat_t
	if err := syscall.Stat(path, &stat); err != nil {
		t.Fatal(err)
	}
	if used := stat.Blocks * 512; used > most+1<<20 {
		t.Errorf("the image takes %d bytes on disk for %d bytes of blocks", used, most)
	}
}

func TestExportReportsACorruptBlockAndReadsTheRest(t *testing.T) {
	d := newDisk(t, 1)
	bad := int32(3)
	d.fault(order{Action: "GetSnapshotBlock", Kind: "corrupt", Block: &bad, Count: -1})
	to := target(t)
	out, err := Export(t.Context(), d.open(Options{}), to, ExportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	n := len(d.held())
	if out.Read != n-1 || len(out.Corrupt) != 1 || out.Corrupt[0].Index != bad || out.Corrupt[0].Offset != 3*testBlock || out.Corrupt[0].Want == out.Corrupt[0].Got {
		t.Errorf("want block 3 reported and the rest read, got %+v", out)
	}
	if diff := cmp.Diff([]Range{{3, 1, 3 * testBlock, testBlock}}, out.NeverRead); diff != "" {
		t.Errorf("never read (-want +got):\n%s", diff)
	}
	if out.Linear != d.linearOf() {
		t.Error("the LINEAR checksum is over the checksums that the API gave, of corrupt blocks too")
	}
	clear(d.image[3*testBlock : 4*testBlock])
	d.sameImage(to.Image)
	again, err := Export(t.Context(), d.open(Options{}), to, ExportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	out.Resumed = n - 1
	if diff := cmp.Diff(out, again); diff != "" {
		t.Errorf("a second export of a finished one (-first +second):\n%s", diff)
	}
}

func TestExportAsksAgainForWhatWasCorrupt(t *testing.T) {
	d := newDisk(t, 1)
	bad := int32(3)
	d.fault(order{Action: "GetSnapshotBlock", Kind: "corrupt", Block: &bad, Count: -1})
	to := target(t)
	if out, err := Export(t.Context(), d.open(Options{}), to, ExportOptions{}); err != nil || len(out.Corrupt) != 1 {
		t.Fatalf("want one corrupt block: %+v, %v", out, err)
	}
	d.request("DELETE", d.lab.Faults+"?resource="+d.key, nil)
	for range 2 { // the second finds it mended in the index
		out, err := Export(t.Context(), d.open(Options{}), to, ExportOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Corrupt) != 0 || len(out.NeverRead) != 0 || out.Read != len(d.held()) {
			t.Errorf("want it mended, got %+v", out)
		}
		d.sameImage(to.Image)
	}
}

func TestExportGoesOnWhereItWasKilled(t *testing.T) {
	d := newDisk(t, 1)
	to := target(t)
	ctx, kill := context.WithCancel(t.Context())
	_, err := Export(ctx, d.open(Options{}), to, ExportOptions{Progress: func(done, _ int64) {
		if done >= 10*testBlock {
			kill()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("want the first export killed, got %v", err)
	}
	appendTo(t, to.Index, `{"index":13,"offs`) // a line torn by the kill
	overwrite(t, to.Image, 4*testBlock)        // a block that never reached the disk
	out, err := Export(t.Context(), d.open(Options{}), to, ExportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if out.Resumed != 3 || out.Read != len(d.held()) || out.Linear != d.linearOf() {
		t.Errorf("want the 3 blocks before the damaged one kept and all read, got %+v", out)
	}
	d.sameImage(to.Image)
}

func TestExportTakesNothingFromAnotherSnapshot(t *testing.T) {
	first, to := newDisk(t, 1), target(t)
	if _, err := Export(t.Context(), first.open(Options{}), to, ExportOptions{}); err != nil {
		t.Fatal(err)
	}
	second := newDisk(t, 1)
	out, err := Export(t.Context(), second.open(Options{}), to, ExportOptions{})
	if err != nil || out.Resumed != 0 {
		t.Errorf("resumed %d blocks of another snapshot: %v", out.Resumed, err)
	}
	second.sameImage(to.Image)
}

func TestExportStopsWhereItMayNotRead(t *testing.T) {
	d := newDisk(t, 1)
	d.fault(order{Action: "GetSnapshotBlock", Kind: "unauthorized", Count: -1, After: 5})
	to := target(t)
	_, err := Export(t.Context(), d.open(Options{Concurrency: 1}), to, ExportOptions{})
	var failure *APIError
	if !errors.As(err, &failure) || failure.Reason != Denied {
		t.Fatalf("want the export denied, got %v", err)
	}
	d.request("DELETE", d.lab.Faults+"?resource="+d.key, nil)
	out, err := Export(t.Context(), d.open(Options{}), to, ExportOptions{})
	if err != nil || out.Resumed != 5 {
		t.Errorf("want 5 blocks kept, got %d: %v", out.Resumed, err)
	}
	d.sameImage(to.Image)
}

// resumable exports a snapshot of so many blocks, and gives it and where it lies.
func resumable(t *testing.T, blocks int) (*Snapshot, Target) {
	t.Helper()
	s := &service{blocks: blocks, trouble: func(context.Context, string, int) error { return nil }}
	open := func() *Snapshot {
		snapshot, err := OpenSnapshot(t.Context(), s, "snap-00000000000000001", Options{})
		if err != nil {
			t.Fatal(err)
		}
		return snapshot
	}
	to := target(t)
	if _, err := Export(t.Context(), open(), to, ExportOptions{}); err != nil {
		t.Fatal(err)
	}
	return open(), to
}

// TestResumeReports tells of every block that is checked again, and stops when nobody waits any more.
func TestResumeReports(t *testing.T) {
	snapshot, to := resumable(t, 20)
	var seen []int64
	ctx, cancel := context.WithCancel(t.Context())
	_, err := Export(ctx, snapshot, to, ExportOptions{Progress: func(done, _ int64) {
		if seen = append(seen, done/testBlock); done == 7*testBlock {
			cancel()
		}
	}})
	if diff := cmp.Diff([]int64{1, 2, 3, 4, 5, 6, 7}, seen); diff != "" || !errors.Is(err, context.Canceled) {
		t.Errorf("%v, progress (-want +got):\n%s", err, diff)
	}
	if x, err := Export(t.Context(), snapshot, to, ExportOptions{}); err != nil || x.Resumed != 20 {
		t.Errorf("what was stopped lost its blocks: %+v, %v", x, err)
	}
}

// TestOneWriter keeps a second export away from an image that is being written.
func TestOneWriter(t *testing.T) {
	snapshot, to := resumable(t, 3)
	var second error
	_, err := Export(t.Context(), snapshot, to, ExportOptions{Progress: func(done, total int64) {
		if second == nil {
			_, second = Export(t.Context(), snapshot, to, ExportOptions{})
		}
	}})
	if err != nil || !errors.Is(second, ErrBusy) {
		t.Errorf("first: %v, second: %v", err, second)
	}
}

func appendTo(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

func overwrite(t *testing.T, path string, at int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte("something else"), at); err != nil {
		t.Fatal(err)
	}
}

func FuzzParseIndex(f *testing.F) {
	f.Add([]byte(`{"snapshot":"snap-1","size":1073741824,"blockSize":524288,"blocks":2}` + "\n" +
		`{"index":0,"offset":0,"length":524288,"checksum":"x","fetched":"2026-01-02T03:04:05Z"}` + "\n" + `{"index":7`))
	f.Add([]byte("\n\n"))
	wanted, indexes := Header{"snap-1", 1 << 30, testBlock, 2}, []int32{0, 7}
	f.Fuzz(func(t *testing.T, raw []byte) {
		entries, ends := parseIndex(raw, wanted, indexes)
		if len(entries) != len(ends) || len(entries) > len(indexes) {
			t.Fatalf("%d entries, %d ends", len(entries), len(ends))
		}
		for i, e := range entries {
			if e.Index != indexes[i] || ends[i] > int64(len(raw)) || raw[ends[i]-1] != '\n' {
				t.Errorf("entry %d: %+v ends at %d", i, e, ends[i])
			}
		}
	})
}
