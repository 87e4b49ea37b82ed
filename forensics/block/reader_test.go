package block

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/forensics/block/blocktest"
)

// serve makes a service of so many blocks, each with bytes of its own, but for those that are holes.
func serve(blocks int, holes ...int) *blocktest.Service {
	image := make([]byte, blocks*testBlock)
	random := rand.NewChaCha8([32]byte{byte(blocks)})
	for i := range blocks {
		_, _ = random.Read(image[i*testBlock : (i+1)*testBlock])
	}
	for _, i := range holes {
		clear(image[i*testBlock : (i+1)*testBlock])
	}
	return &blocktest.Service{Image: image}
}

const testID = "snap-00000000000000001"

// fast waits for nothing.
func fast(ctx context.Context, _ time.Duration) error { return ctx.Err() }

func snapshotOf(t testing.TB, s EBS, opts Options) *Snapshot {
	t.Helper()
	opts.Pause = fast
	snapshot, err := OpenSnapshot(t.Context(), s, testID, opts)
	if err != nil {
		t.Fatal(err)
	}
	return snapshot
}

func readerOf(t testing.TB, s EBS, opts Options, keep Local) *Reader {
	t.Helper()
	r, err := snapshotOf(t, s, opts).OpenReader(t.Context(), keep)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// TestOneBadBlock reads on around a block that is corrupt, missing or cannot be given: whoever reads in it is told its
// place, and told at once the second time.
func TestOneBadBlock(t *testing.T) {
	type kind struct {
		name   string
		reason Reason
		set    func(*blocktest.Service)
	}
	answer := func(err error) func(*blocktest.Service) {
		return func(s *blocktest.Service) {
			s.Before = func(_ context.Context, _ string, block int32, n int) error {
				if block == 5 {
					return err
				}
				return nil
			}
		}
	}
	for _, k := range []kind{
		{"corrupt", "", func(s *blocktest.Service) { s.Corrupt = func(b int32, _ int) bool { return b == 5 } }},
		{"missing", Missing, answer(blocktest.Gone())},
		{"broken", Broken, answer(blocktest.Refuse(500, "InternalServerException"))},
	} {
		for _, keep := range []string{"", t.TempDir()} {
			t.Run(k.name+" kept "+keep[:min(1, len(keep))], func(t *testing.T) {
				s := serve(12)
				k.set(s)
				r := readerOf(t, s, Options{Attempts: 3}, Local{Dir: keep})
				if _, err := r.ReadAt(make([]byte, 10), 0); err != nil { // the service answers for others
					t.Fatal(err)
				}
				got := make([]byte, 12*testBlock)
				for at := 0; at < len(got); at += 4096 {
					_, err := r.ReadAt(got[at:at+4096], int64(at))
					checkBad(t, err, at/testBlock == 5, k.reason)
				}
				clear(s.Image[5*testBlock : 6*testBlock])
				if clear(got[5*testBlock : 6*testBlock]); !bytes.Equal(got, s.Image) {
					t.Error("the rest differs from the image")
				}
				if n := s.Fetches(5); n > 8 {
					t.Errorf("the bad block was asked for %d times", n)
				}
				if st := r.Stats(); st.Unreadable != 1 || st.Read != 11 || len(r.Damage()) != 1 {
					t.Errorf("%+v, damage %v", st, r.Damage())
				}
			})
		}
	}
}

func checkBad(t *testing.T, err error, bad bool, reason Reason) {
	t.Helper()
	if !bad {
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	var corrupt *CorruptError
	var unreadable *UnreadableError
	var api *APIError
	switch {
	case reason == "" && !errors.As(err, &corrupt), reason != "" && !errors.As(err, &unreadable):
		t.Fatalf("got %v", err)
	case reason != "" && (!errors.As(err, &api) || api.Reason != reason):
		t.Fatalf("want reason %q, got %v", reason, err)
	}
	if said := err.Error(); !strings.Contains(said, "block 5 of") || !strings.Contains(said, fmt.Sprint(5*testBlock)) {
		t.Fatalf("its place is not named: %v", err)
	}
}

// TestExportGoesOnPastMissingBlocks leaves holes where blocks are missing or alone fail, says so in the index, and fetches
// them once they are there.
func TestExportGoesOnPastMissingBlocks(t *testing.T) {
	s := serve(12)
	s.Before = func(_ context.Context, _ string, block int32, _ int) error {
		return map[int32]error{3: blocktest.Gone(), 7: blocktest.Refuse(500, "InternalServerException")}[block]
	}
	to := target(t)
	out, err := Export(t.Context(), snapshotOf(t, s, Options{}), to, ExportOptions{})
	if err != nil || out.Read != 10 || len(out.Corrupt) != 2 || out.Linear != "" {
		t.Fatalf("%+v, %v", out, err)
	}
	if out.Corrupt[0].Index != 3 || out.Corrupt[0].Why == "" || out.Corrupt[1].Offset != 7*testBlock || out.Corrupt[1].Got != "" {
		t.Errorf("%+v", out.Corrupt)
	}
	if diff := cmp.Diff([]Range{{3, 1, 3 * testBlock, testBlock}, {7, 1, 7 * testBlock, testBlock}}, out.NeverRead); diff != "" {
		t.Errorf("never read (-want +got):\n%s", diff)
	}
	s.Before = nil
	out, err = Export(t.Context(), snapshotOf(t, s, Options{}), to, ExportOptions{})
	if err != nil || out.Read != 12 || out.Resumed != 10 || len(out.Corrupt) != 0 || out.Linear == "" {
		t.Errorf("%+v, %v", out, err)
	}
}

// TestSmallReads fetches the blocks that were touched and no others, each once, however small and scattered the reads.
func TestSmallReads(t *testing.T) {
	s := serve(64)
	r := readerOf(t, s, Options{}, Local{})
	random := rand.New(rand.NewPCG(1, 2))
	touched := map[int]bool{}
	for range 2000 {
		block := []int{3, 9, 17, 31, 40, 62}[random.IntN(6)]
		touched[block] = true
		if _, err := r.ReadAt(make([]byte, 4096), int64(block*testBlock+random.IntN(100)*4096)); err != nil {
			t.Fatal(err)
		}
	}
	if n := s.Fetches(-1); n != len(touched) {
		t.Errorf("%d requests for %d blocks", n, len(touched))
	}
}

// TestSequentialReads fetches ahead, and never more in vain than it was asked for.
func TestSequentialReads(t *testing.T) {
	s := serve(64)
	r := readerOf(t, s, Options{}, Local{})
	for at := 0; at < 10*testBlock; at += 64 << 10 {
		if _, err := r.ReadAt(make([]byte, 64<<10), int64(at)); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Close(); err != nil { // waits for what is under way
		t.Fatal(err)
	}
	if n := s.Fetches(-1); n <= 10 || n > 20 {
		t.Errorf("%d blocks were fetched for 10 that were read", n)
	}
}

// TestPrefetch fetches what was named, without anybody waiting; without a place on disk, no more than half the cache.
func TestPrefetch(t *testing.T) {
	for name, c := range map[string]struct {
		keep string
		want int
	}{"kept on disk": {t.TempDir(), 40}, "in memory": {"", 8}} {
		t.Run(name, func(t *testing.T) {
			s := serve(64, 10, 11)
			r := readerOf(t, s, Options{CacheBytes: 16 * testBlock}, Local{Dir: c.keep})
			r.Prefetch(100, 41*testBlock)
			eventually(t, func() bool { return r.Stats().Read == c.want })
			if n := s.Fetches(-1); n != c.want {
				t.Errorf("%d requests, want %d", n, c.want)
			}
			for i := range 42 { // what was put off comes when it is read
				if _, err := r.ReadAt(make([]byte, 1), int64(i*testBlock)); err != nil {
					t.Fatal(err)
				}
			}
			if n := r.Stats().Read; n < 40 {
				t.Errorf("%d blocks were read", n)
			}
		})
	}
}

func eventually(t *testing.T, holds func() bool) {
	t.Helper()
	for range 2000 {
		if holds() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("it never came to that")
}

// TestManyReaders gives each of many goroutines the image's bytes, from a cache far smaller than the image.
func TestManyReaders(t *testing.T) {
	for _, keep := range []string{"", t.TempDir()} {
		s := serve(20, 7, 8, 15)
		r := readerOf(t, s, Options{CacheBytes: 4 * testBlock, Concurrency: 8}, Local{Dir: keep, Bytes: 10 * testBlock})
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() { readAround(t, r, s.Image, uint64(i)) })
		}
		all.Wait()
		r.mu.Lock()
		if n := r.recent.Len(); n > r.limit || n != len(r.cached) {
			t.Errorf("%d blocks in a cache for %d, %d of them known", n, r.limit, len(r.cached))
		}
		r.mu.Unlock()
	}
}

func readAround(t *testing.T, r *Reader, image []byte, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 7))
	for range 25 {
		off := random.IntN(len(image))
		p := make([]byte, min(random.IntN(3*testBlock), len(image)-off))
		if random.IntN(4) == 0 {
			r.Prefetch(int64(random.IntN(len(image))), testBlock)
		}
		if n, err := r.ReadAt(p, int64(off)); err != nil || !bytes.Equal(p[:n], image[off:off+len(p)]) {
			t.Errorf("%d bytes at %d: %d, %v", len(p), off, n, err)
			return
		}
	}
}

// TestCalledOff ends reads and what is fetched ahead when nobody waits any more.
func TestCalledOff(t *testing.T) {
	s := serve(20)
	s.Before = func(ctx context.Context, action string, block int32, _ int) error {
		if block < 0 {
			return nil
		}
		<-ctx.Done()
		return ctx.Err()
	}
	snapshot := snapshotOf(t, s, Options{})
	ctx, stop := context.WithCancel(t.Context())
	r := snapshot.Device(ctx)
	r.Prefetch(0, 20*testBlock)
	time.AfterFunc(20*time.Millisecond, stop)
	if _, err := r.ReadAt(make([]byte, 10), 0); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if _, err := r.ReadAt(make([]byte, 10), 0); err == nil {
		t.Error("a closed reader was read")
	}
	if r.Stats().Unreadable != 0 {
		t.Errorf("what was called off is called unreadable: %v", r.Damage())
	}
}

// TestIndexOfWhatWasRead says of an analysis that read a part which blocks it read, which were wrong and which it never read.
func TestIndexOfWhatWasRead(t *testing.T) {
	s := serve(8, 6)
	s.Corrupt = func(b int32, _ int) bool { return b == 2 }
	r := readerOf(t, s, Options{Clock: fixedClock, Attempts: 2}, Local{})
	for _, block := range []int{4, 2, 0} {
		_, _ = r.ReadAt(make([]byte, 1), int64(block*testBlock)) // one of them fails
	}
	var b bytes.Buffer
	if err := r.WriteIndex(&b); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	wants := []string{
		`{"snapshot":"` + testID, `{"index":0,`, `"got":`, `{"index":4,`, `{"neverRead":{"first":1,"blocks":3,`, `{"neverRead":{"first":5,"blocks":1,`, `{"neverRead":{"first":7,`,
	}
	if len(lines) != len(wants) {
		t.Fatalf("%d lines:\n%s", len(lines), b.String())
	}
	for i, want := range wants {
		if !strings.Contains(lines[i], want) {
			t.Errorf("line %d: want %s in %s", i+1, want, lines[i])
		}
	}
}

// TestLinearOfAllIsTheSnapshots computes AWS's own checksum once all was read.
func TestLinearOfAllIsTheSnapshots(t *testing.T) {
	s := serve(6, 3)
	r := readerOf(t, s, Options{}, Local{})
	if _, err := io.Copy(io.Discard, io.NewSectionReader(r, 0, r.Size())); err != nil {
		t.Fatal(err)
	}
	out, err := Export(t.Context(), snapshotOf(t, s, Options{}), Target{Image: filepath.Join(t.TempDir(), "i"), Index: filepath.Join(t.TempDir(), "x")}, ExportOptions{})
	if err != nil || out.Linear == "" || out.Linear != r.Linear() {
		t.Errorf("%s and %s, %v", out.Linear, r.Linear(), err)
	}
}
