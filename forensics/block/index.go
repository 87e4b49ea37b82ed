package block

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// Entry is one line of the index that Export writes.
type Entry struct {
	Index    int32     `json:"index"`
	Offset   int64     `json:"offset"`
	Length   int64     `json:"length"`
	Checksum string    `json:"checksum"`         // base64 SHA-256 as the API gave it
	Fetched  time.Time `json:"fetched,omitzero"` // zero when the block never came right
	Got      string    `json:"got,omitempty"`    // base64 SHA-256 of what came instead, of a corrupt block
	Why      string    `json:"why,omitempty"`    // of a block that did not come right
}

// came tells a block whose bytes are those that its checksum stands for.
func (e Entry) came() bool { return e.Got == "" && e.Why == "" }

// Header is the first line of the index.
type Header struct {
	Snapshot  string `json:"snapshot"`
	Size      int64  `json:"size"`      // of the volume, in bytes
	BlockSize int    `json:"blockSize"` // in bytes
	Blocks    int    `json:"blocks"`    // that the snapshot holds
}

func headerOf(s *Snapshot) Header { return Header{s.id, s.size, s.blockSize, len(s.indexes)} }

// gap is a line of the index for a range that was never read.
type gap struct {
	NeverRead Range `json:"neverRead"`
}

func entryOf(b Block) Entry {
	return Entry{Index: b.Index, Offset: b.Offset, Length: int64(len(b.Data)), Checksum: b.Checksum, Fetched: b.Fetched.UTC()}
}

// damaged is the entry of a block that is corrupt, or did not come.
func damaged(err error, s *Snapshot) Entry {
	var corrupt *CorruptError
	if errors.As(err, &corrupt) {
		return Entry{Index: corrupt.Index, Offset: corrupt.Offset, Length: int64(s.blockSize), Checksum: corrupt.Want, Got: corrupt.Got, Why: corrupt.Why}
	}
	e := Entry{Length: int64(s.blockSize), Why: err.Error()}
	var unreadable *UnreadableError
	if errors.As(err, &unreadable) {
		e.Index, e.Offset, e.Why = unreadable.Index, unreadable.Offset, unreadable.Err.Error()
	}
	return e
}

// linear is AWS's LINEAR aggregation, in hexadecimal.
func linear(entries []Entry) string {
	h := sha256.New()
	for _, e := range entries {
		sum, err := base64.StdEncoding.DecodeString(e.Checksum)
		if err != nil || len(sum) != sha256.Size {
			return ""
		}
		h.Write(sum)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// indexFile is the index on disk, and its entries in memory.
type indexFile struct {
	file    *os.File
	entries []Entry
	resumed int // entries of blocks in the image that an attempt before wrote
}

// openIndex opens or makes the index, keeps the entries that a former attempt wrote and whose bytes still lie in the
// image, and cuts off the rest. It calls kept with the number of entries after each that it keeps.
func openIndex(ctx context.Context, path string, s *Snapshot, image io.ReaderAt, kept func(entries int)) (*indexFile, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open block index: %w", err)
	}
	x := &indexFile{file: file}
	if err := x.resume(ctx, s, image, kept); err != nil {
		file.Close()
		return nil, fmt.Errorf("resume from block index %q: %w", path, err)
	}
	return x, nil
}

func (x *indexFile) resume(ctx context.Context, s *Snapshot, image io.ReaderAt, kept func(entries int)) error {
	raw, err := io.ReadAll(x.file)
	if err != nil {
		return err
	}
	entries, ends := parseIndex(raw, headerOf(s), s.indexes)
	keep := 0
	for keep < len(entries) && ctx.Err() == nil && (!entries[keep].came() || lies(entries[keep], image)) {
		x.keep(s, keep, entries[keep])
		keep++
		kept(keep)
	}
	if err := ctx.Err(); err != nil { // before anything is cut off
		return err
	}
	if keep == 0 {
		return x.begin(s)
	}
	return x.cut(ends[keep-1])
}

// begin starts an index anew.
func (x *indexFile) begin(s *Snapshot) error {
	if err := x.cut(0); err != nil {
		return err
	}
	return x.line(headerOf(s))
}

func (x *indexFile) cut(end int64) error {
	if err := x.file.Truncate(end); err != nil {
		return err
	}
	_, err := x.file.Seek(end, io.SeekStart)
	return err
}

// imageEnd is where the last block that is in the image ends.
func (x *indexFile) imageEnd() int64 {
	end := int64(0)
	for _, e := range x.entries {
		if e.came() {
			end = e.Offset + e.Length
		}
	}
	return end
}

func (x *indexFile) keep(s *Snapshot, at int, e Entry) {
	x.entries = append(x.entries, e)
	if e.came() {
		x.resumed++
		s.read[at] = true
	}
}

// parseIndex reads the lines of an index under the header wanted that belong to the listed blocks, in their order, and
// where each line ends. It stops at the first line that is torn or does not fit.
func parseIndex(raw []byte, wanted Header, indexes []int32) (entries []Entry, ends []int64) {
	line, raw, whole := bytes.Cut(raw, []byte("\n"))
	var header Header
	if !whole || json.Unmarshal(line, &header) != nil || header != wanted {
		return nil, nil
	}
	end := int64(len(line)) + 1
	for _, index := range indexes {
		line, rest, whole := bytes.Cut(raw, []byte("\n"))
		var e Entry
		if !whole || json.Unmarshal(line, &e) != nil || !e.fits(index, wanted.BlockSize) {
			return entries, ends
		}
		end += int64(len(line)) + 1
		entries, ends, raw = append(entries, e), append(ends, end), rest
	}
	return entries, ends
}

func (e Entry) fits(index int32, blockSize int) bool {
	return e.Index == index && e.Length == int64(blockSize) && e.Offset == int64(index)*int64(blockSize) && (e.Checksum != "" || e.Why != "")
}

// lies tells whether the entry's block is in the image, byte for byte.
func lies(e Entry, image io.ReaderAt) bool {
	data := make([]byte, e.Length)
	if _, err := image.ReadAt(data, e.Offset); err != nil {
		return false
	}
	sum := sha256.Sum256(data)
	return base64.StdEncoding.EncodeToString(sum[:]) == e.Checksum
}

func (x *indexFile) append(e Entry) error {
	if err := x.line(e); err != nil {
		return err
	}
	x.entries = append(x.entries, e)
	return nil
}

// rewrite writes the whole index anew.
func (x *indexFile) rewrite(header Header) error {
	if err := x.cut(0); err != nil {
		return err
	}
	if err := x.line(header); err != nil {
		return err
	}
	for _, e := range x.entries {
		if err := x.line(e); err != nil {
			return err
		}
	}
	return nil
}

// seal adds the ranges that were never read.
func (x *indexFile) seal(never []Range) error {
	for _, r := range never {
		if err := x.line(gap{r}); err != nil {
			return err
		}
	}
	return nil
}

func (x *indexFile) line(v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode block index: %w", err)
	}
	if _, err := x.file.Write(append(raw, '\n')); err != nil {
		return fmt.Errorf("write block index: %w", err)
	}
	return nil
}
