package block

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestChangedSince lists what differs between two snapshots of one volume: written, overwritten and zeroed blocks.
func TestChangedSince(t *testing.T) {
	d := newDisk(t, 1)
	first := d.snapshot
	for _, at := range []int{0, 7, 8, 9, 33} {
		d.image[at*testBlock+300] ^= 1
	}
	clear(d.image[3*testBlock : 4*testBlock])
	if err := os.WriteFile(filepath.Join(d.dir, "image"), d.image, 0o600); err != nil {
		t.Fatal(err)
	}
	d.snapshot = d.again()
	size := int64(testBlock)
	want := []Range{{0, 1, 0, size}, {3, 1, 3 * size, size}, {7, 3, 7 * size, 3 * size}, {33, 1, 33 * size, size}}
	got, err := d.open(Options{PageSize: 100}).ChangedSince(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	other := newDisk(t, 1)
	var api *APIError
	if _, err := other.open(Options{}).ChangedSince(t.Context(), first); !errors.As(err, &api) || api.Action != "ebs:ListChangedBlocks" || api.Reason != Refused {
		t.Errorf("snapshots of two volumes: %v", err)
	}
}

// TestChangedInPages takes every page, also where a page's token has run out in between.
func TestChangedInPages(t *testing.T) {
	d := newDisk(t, 1)
	first := d.snapshot
	d.image = make([]byte, 350*testBlock)
	for at := 0; at < len(d.image); at += testBlock {
		d.image[at] = 1
	}
	if err := os.WriteFile(filepath.Join(d.dir, "image"), d.image, 0o600); err != nil {
		t.Fatal(err)
	}
	d.snapshot = d.again()
	s := d.open(Options{PageSize: 100})
	d.fault(order{Action: "ListChangedBlocks", Kind: "stale", Count: 1, After: 2})
	got, err := s.ChangedSince(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[0].Blocks != 350 {
		t.Errorf("%+v", got)
	}
}

// TestMissingBlockOfTheLab is what the lab's front says of a block that is listed and not there.
func TestMissingBlockOfTheLab(t *testing.T) {
	d := newDisk(t, 1)
	bad := int32(4)
	d.fault(order{Action: "GetSnapshotBlock", Kind: "missing", Block: &bad, Count: -1})
	out, err := Export(t.Context(), d.open(Options{}), target(t), ExportOptions{})
	if err != nil || out.Read != len(d.held())-1 || len(out.Corrupt) != 1 || out.Corrupt[0].Index != 4 {
		t.Errorf("%+v, %v", out, err)
	}
}
