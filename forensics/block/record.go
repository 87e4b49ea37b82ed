package block

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"
)

// Stats says what reading has cost so far.
type Stats struct {
	Blocks     int   `json:"blocks"`           // that the snapshot holds; of a file, all of its length
	Read       int   `json:"read"`             // of them, read by this analysis
	Bytes      int64 `json:"bytes"`            // their length
	Reused     int   `json:"reused,omitempty"` // of them, found where an analysis before had left them
	Unreadable int   `json:"unreadable,omitempty"`
	Requests   int64 `json:"requests,omitempty"` // for blocks
	Retries    int64 `json:"retries,omitempty"`  // of them and of listings: after corrupt, throttled and failed ones
	Throttled  int64 `json:"throttled,omitempty"`
	Renewals   int64 `json:"renewals,omitempty"` // of block tokens that had run out
	// NotKept says why blocks are no longer kept on this machine's disk.
	NotKept string `json:"notKept,omitempty"`
}

func recordOf(b Block) record {
	r := record{fetched: b.Fetched.UnixNano()}
	if sum, err := base64.StdEncoding.DecodeString(b.Checksum); err == nil {
		copy(r.sum[:], sum)
	}
	return r
}

// Stats counts.
func (r *Reader) Stats() Stats {
	t := &r.snapshot.tally
	r.mu.Lock()
	out := Stats{Blocks: len(r.snapshot.indexes), Read: len(r.records), Reused: r.reused, Unreadable: len(r.wrong)}
	r.mu.Unlock()
	out.Bytes = int64(out.Read) * int64(r.snapshot.blockSize)
	out.Requests, out.Throttled, out.Renewals = t.requests.Load(), t.throttled.Load(), t.renewals.Load()
	out.Retries = out.Throttled + t.corrupt.Load() + t.failed.Load()
	if r.local != nil {
		r.local.mu.Lock()
		defer r.local.mu.Unlock()
		switch {
		case r.local.fault != nil:
			out.NotKept = r.local.fault.Error()
		case r.local.used+int64(r.snapshot.blockSize) > r.local.most:
			out.NotKept = fmt.Sprintf("%d bytes of blocks are kept, as many as may be", r.local.used)
		}
	}
	return out
}

// Linear is AWS's LINEAR aggregation over the blocks that were read, in the order of their indexes and in hexadecimal:
// the snapshot's own checksum once all were read.
func (r *Reader) Linear() string {
	entries, _ := r.entries()
	return linear(entries)
}

// Damage lists the blocks that did not come right, in the order of the disk.
func (r *Reader) Damage() []error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []error
	for _, index := range slices.Sorted(maps.Keys(r.wrong)) {
		out = append(out, r.wrong[index])
	}
	return out
}

// entries gives an entry for each block that was read, and for each that did not come right.
func (r *Reader) entries() (came, wrong []Entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	size := int64(r.snapshot.blockSize)
	for _, index := range slices.Sorted(maps.Keys(r.records)) {
		one := r.records[index]
		came = append(came, Entry{
			Index: index, Offset: int64(index) * size, Length: size,
			Checksum: base64.StdEncoding.EncodeToString(one.sum[:]), Fetched: time.Unix(0, one.fetched).UTC(),
		})
	}
	for index, err := range r.wrong {
		e := damaged(err, r.snapshot)
		e.Index, e.Offset = index, int64(index)*size
		wrong = append(wrong, e)
	}
	return came, wrong
}

// WriteIndex writes what was read of the snapshot in the form of Export's index: a Header, an Entry for each block that was
// read or did not come right, in the order of the disk, and the ranges never read.
func (r *Reader) WriteIndex(to io.Writer) error {
	came, wrong := r.entries()
	all := append(came, wrong...)
	slices.SortFunc(all, func(a, b Entry) int { return int(a.Index) - int(b.Index) })
	w := bufio.NewWriter(to)
	lines := json.NewEncoder(w)
	lines.SetEscapeHTML(false)
	err := lines.Encode(headerOf(r.snapshot))
	for _, e := range all {
		err = errors.Join(err, lines.Encode(e))
	}
	for _, g := range r.neverRead() {
		err = errors.Join(err, lines.Encode(gap{g}))
	}
	if err := errors.Join(err, w.Flush()); err != nil {
		return fmt.Errorf("write block index: %w", err)
	}
	return nil
}

// neverRead gives the blocks that this reader has not read, as ranges.
func (r *Reader) neverRead() []Range {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []Range
	for _, index := range r.snapshot.indexes {
		if _, read := r.records[index]; !read {
			out = r.snapshot.extend(out, index)
		}
	}
	return out
}
