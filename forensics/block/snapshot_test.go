package block

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSnapshotReadsLikeItsImage(t *testing.T) {
	d := newDisk(t, 1)
	s := d.open(Options{CacheBytes: 4 * testBlock, Concurrency: 2})
	if diff := cmp.Diff(d.held(), s.Indexes()); diff != "" {
		t.Errorf("blocks (-image +snapshot):\n%s", diff)
	}
	if s.Size() != 1<<30 || s.BlockSize() != testBlock {
		t.Errorf("size %d, block size %d", s.Size(), s.BlockSize())
	}
	whole := append(bytes.Clone(d.image), make([]byte, 1<<20)...)
	device := s.Device(t.Context())
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		off, length := random.IntN(len(d.image)), random.IntN(3*testBlock)
		got := make([]byte, min(length, len(whole)-off))
		if n, err := device.ReadAt(got, int64(off)); err != nil || n != len(got) || !bytes.Equal(got, whole[off:off+n]) {
			t.Fatalf("read of %d bytes at %d differs from the image: n=%d, %v", len(got), off, n, err)
		}
	}
	if n, err := device.ReadAt(make([]byte, 10), s.Size()-4); n != 4 || !errors.Is(err, io.EOF) {
		t.Errorf("read over the end: n=%d, %v", n, err)
	}
}

func TestSnapshotTellsWhatWasNeverRead(t *testing.T) {
	d := newDisk(t, 1)
	s := d.open(Options{})
	if _, err := s.Fetch(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	size := int64(testBlock)
	want := []Range{
		{0, 1, 0, size}, {2, 1, 2 * size, size}, {4, 1, 4 * size, size}, {9, 32, 9 * size, 32 * size}, {60, 1, 60 * size, size},
	}
	if diff := cmp.Diff(want, s.NeverRead()); diff != "" {
		t.Errorf("never read (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]Range{{3, 1, 3 * size, size}}, s.Read()); diff != "" {
		t.Errorf("read (-want +got):\n%s", diff)
	}
}

func TestSnapshotRetries(t *testing.T) {
	for _, kind := range []string{"throttle", "error500", "corrupt", "stale"} {
		t.Run(kind, func(t *testing.T) {
			d := newDisk(t, 1)
			s := d.open(Options{})
			d.fault(order{Action: "GetSnapshotBlock", Kind: kind, Count: 1})
			b, err := s.Fetch(t.Context(), 2)
			if err != nil || !bytes.Equal(b.Data, d.image[2*testBlock:3*testBlock]) {
				t.Errorf("one %s fault must be got over: %v", kind, err)
			}
		})
	}
}

func TestSnapshotGivesUp(t *testing.T) {
	for kind, want := range map[string]Reason{"throttle": Throttled, "unauthorized": Denied, "expired": Expired, "error500": Failing} {
		for _, action := range []string{"ListSnapshotBlocks", "GetSnapshotBlock"} {
			t.Run(action+" "+kind, func(t *testing.T) {
				d := newDisk(t, 1)
				d.fault(order{Action: action, Kind: kind, Count: -1})
				var failure *APIError
				if err := d.openAndFetch(); !errors.As(err, &failure) || failure.Reason != want || failure.Action != "ebs:"+action {
					t.Errorf("want reason %q, got %v", want, err)
				} else if want == Throttled && failure.After <= 0 {
					t.Error("a throttled read must say how long to wait")
				}
			})
		}
	}
}

func (d *disk) openAndFetch() error {
	s, err := OpenSnapshot(d.t.Context(), d.client, d.snapshot, Options{Attempts: 2, Patience: 2 * time.Second})
	if err != nil {
		return err
	}
	_, err = s.Fetch(d.t.Context(), 2)
	return err
}

func TestSnapshotKeepsItsRetryBudget(t *testing.T) {
	d := newDisk(t, 1)
	s := d.open(Options{RetryBudget: 3})
	d.fault(order{Action: "GetSnapshotBlock", Kind: "corrupt", Count: -1})
	_, first := s.Fetch(t.Context(), 2)
	_, second := s.Fetch(t.Context(), 3)
	if first == nil || second == nil || s.retries >= 0 {
		t.Errorf("want the budget used up: %v, %v, %d left", first, second, s.retries)
	}
}

func TestSnapshotNotThereOrNotReady(t *testing.T) {
	d := newDisk(t, 60_000)
	for id, want := range map[string]Reason{d.snapshot: NotReady, "snap-0123456789abcdef0": NotFound} {
		_, err := OpenSnapshot(t.Context(), d.client, id, Options{})
		var failure *APIError
		if !errors.As(err, &failure) || failure.Reason != want {
			t.Errorf("%s: want %q, got %v", id, want, err)
		}
	}
}

func TestSnapshotListsEveryPage(t *testing.T) {
	d := newDisk(t, 1)
	d.image = make([]byte, 450*testBlock)
	for at := 0; at < len(d.image); at += testBlock {
		d.image[at] = 1
	}
	path := filepath.Join(t.TempDir(), "large")
	if err := os.WriteFile(path, d.image, 0o600); err != nil {
		t.Fatal(err)
	}
	d.fault(order{Action: "CreateSnapshots", Kind: "duration", Millis: 1})
	d.snapshot = d.take(path)
	if diff := cmp.Diff(d.held(), d.open(Options{PageSize: 100}).Indexes()); diff != "" {
		t.Errorf("blocks (-image +snapshot):\n%s", diff)
	}
}

func TestReadEndsWithItsContext(t *testing.T) {
	d := newDisk(t, 1)
	s := d.open(Options{})
	d.fault(order{Action: "GetSnapshotBlock", Kind: "latency", Count: -1, Millis: 60_000})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Device(ctx).ReadAt(make([]byte, 10), 0); !errors.Is(err, context.Canceled) {
		t.Errorf("want the context's error, got %v", err)
	}
}

func TestFileIsADevice(t *testing.T) {
	path := filepath.Join(t.TempDir(), "raw")
	if err := os.WriteFile(path, []byte("0123456789"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 3)
	if _, err := f.ReadAt(got, 4); err != nil || string(got) != "456" || f.Size() != 10 {
		t.Errorf("got %q, size %d, %v", got, f.Size(), err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if _, err := OpenFile(t.TempDir()); err == nil {
		t.Error("a directory is no disk")
	}
}
