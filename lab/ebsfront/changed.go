package ebsfront

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// listChanged compares two snapshots block by block. Without a first snapshot everything in the second has changed.
func (f *Front) listChanged(w http.ResponseWriter, a asked) *refusal {
	var first snapshot
	if id := a.request.URL.Query().Get("firstSnapshotId"); id != "" {
		found, no := f.readable(id)
		if no != nil {
			return no
		}
		if first = found; first.Volume != a.one.Volume {
			bad := invalid("UNRELATED_SNAPSHOTS", "The two snapshots are not of the same volume")
			return &bad
		}
	}
	changed, err := f.changed(first, a.one)
	if err != nil {
		return internal(err)
	}
	page, next, no := f.page(a, changed)
	if no != nil {
		return no
	}
	expires := f.clock().Add(tokenLife)
	out := listing{ExpiryTime: expires.Unix(), VolumeSize: a.one.GiB, BlockSize: BlockSize, NextToken: next}
	for _, index := range page {
		row := changedRow{index, f.tokenIfHeld(first, index, expires), f.tokenIfHeld(a.one, index, expires)}
		out.ChangedBlocks = append(out.ChangedBlocks, row)
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

func (f *Front) tokenIfHeld(one snapshot, index int32, expires time.Time) string {
	held, err := f.store.indexes(one)
	if _, ok := slices.BinarySearch(held, index); !ok || err != nil {
		return ""
	}
	return f.tokens.sign("block", one.ID, index, expires)
}

// changed gives the blocks that differ between two snapshots, or that only one of them holds.
func (f *Front) changed(first, second snapshot) ([]int32, error) {
	before, err := f.store.indexes(first)
	if err != nil {
		return nil, err
	}
	after, err := f.store.indexes(second)
	if err != nil {
		return nil, err
	}
	all := slices.Concat(before, after)
	slices.Sort(all)
	var out []int32
	for _, index := range slices.Compact(all) {
		same, err := f.same(first, second, index)
		if err != nil {
			return nil, fmt.Errorf("compare block %d: %w", index, err)
		}
		if !same {
			out = append(out, index)
		}
	}
	return out, nil
}

func (f *Front) same(first, second snapshot, index int32) (bool, error) {
	if !first.Image || !second.Image {
		return false, nil
	}
	a, err := f.store.block(first.ID, index)
	if err != nil {
		return false, err
	}
	b, err := f.store.block(second.ID, index)
	return bytes.Equal(a, b), err
}
