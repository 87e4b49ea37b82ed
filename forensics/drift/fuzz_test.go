package drift_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"os"
	"testing"
	"time"

	"github.com/firebreak-ir/firebreak/forensics/drift"
	"github.com/firebreak-ir/firebreak/forensics/ext4"
	"github.com/firebreak-ir/firebreak/forensics/overlay"
)

// FuzzCompare changes bytes of an image with two layers and compares them: no panic, no endless loop, no more changes than
// the limit allows, and the same ones again. Five bytes of the input are one change.
func FuzzCompare(f *testing.F) {
	packed, err := os.ReadFile("testdata/seed.img.gz")
	if err != nil {
		f.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		f.Fatal(err)
	}
	seed, err := io.ReadAll(z)
	if err != nil {
		f.Fatal(err)
	}
	if n := changes(f, seed); len(n) < 10 {
		f.Fatalf("the seed has %d changes: %v", len(n), n)
	}
	f.Add([]byte{})
	f.Add([]byte{0, 0, 0x28, 0, 0x41, 0, 0, 0x30, 4, 0})
	f.Fuzz(func(t *testing.T, edits []byte) {
		image := bytes.Clone(seed)
		for ; len(edits) >= 5; edits = edits[5:] {
			image[int(binary.BigEndian.Uint32(edits))%len(image)] = edits[4]
		}
		begin := time.Now()
		first := changes(t, image)
		if took := time.Since(begin); took > 10*time.Second || len(first) > 500 {
			t.Errorf("%d changes in %s", len(first), took)
		}
		for i, again := range changes(t, image) {
			if i >= len(first) || again != first[i] {
				t.Fatalf("%d: %q", i, again)
			}
		}
	})
}

// changes compares the layers of an image within small limits.
func changes(t testing.TB, image []byte) (out []string) {
	t.Helper()
	disk, err := ext4.Open(bytes.NewReader(image), int64(len(image)), ext4.Options{MaxDirEntries: 1000, MaxDirBytes: 1 << 20, CacheBytes: 1 << 20})
	if err != nil {
		return nil
	}
	layers := []overlay.Layer{{Tree: disk, Root: "base"}, {Tree: disk, Root: "up"}}
	opts := drift.Options{MaxChanges: 500, MaxFileBytes: 1 << 20, MaxBytes: 4 << 20}
	_, _ = drift.Compare(t.Context(), layers, opts, func(ch drift.Change) error {
		if f, err := ch.Open(); err == nil {
			_, _ = io.CopyN(io.Discard, f, 1000)
		}
		out = append(out, string(ch.Verdict)+" "+ch.Path+" "+ch.From+" "+ch.Problem)
		return nil
	})
	return out
}
