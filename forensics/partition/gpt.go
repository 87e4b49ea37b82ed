package partition

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"unicode/utf16"
)

var errNoTable = errors.New("no partition table")

const maxTable = 128 << 10 // bytes of a GPT's entries; 16 KiB is usual

// readGPT reads the table behind the first sector, or, where that one is damaged, its backup in the last sector: then the
// damage is an error, and the backup's partitions come along. They do too where both are good and do not agree: somebody
// changed one of them.
func readGPT(r io.ReaderAt, size, sector int64) ([]Part, error) {
	parts, first := gptAt(r, size, sector, sector)
	if len(parts) > 0 && first != nil { // a good table with impossible entries
		return parts, first
	}
	spare, backup := gptAt(r, size, sector, size/sector*sector-sector)
	switch {
	case errors.Is(first, errNoTable) && errors.Is(backup, errNoTable):
		return nil, errNoTable
	case first != nil && backup != nil:
		return nil, damagedTable([]error{first, backup}, "GPT: header: %s; backup: %s", first, backup)
	case first != nil:
		return spare, damagedTable([]error{first}, "GPT: header: %s; the backup was used", first)
	case backup == nil && !slices.Equal(parts, spare):
		return union(parts, spare), damagedTable(nil, "GPT: header and backup do not list the same partitions, %d and %d; all of both were taken", len(parts), len(spare))
	}
	return parts, nil
}

// union gives what either lists, of those with the same number the first's and the second's.
func union(a, b []Part) []Part {
	for _, p := range b {
		if !slices.Contains(a, p) {
			a = append(a, p)
		}
	}
	return a
}

func gptAt(r io.ReaderAt, size, sector, at int64) ([]Part, error) {
	le := binary.LittleEndian
	h := make([]byte, sector)
	if at < sector || at+sector > size {
		return nil, errNoTable
	}
	if _, err := r.ReadAt(h, at); err != nil {
		return nil, fmt.Errorf("read at byte %d: %w", at, err)
	}
	if string(h[:8]) != "EFI PART" {
		return nil, errNoTable
	}
	sum, length := le.Uint32(h[16:]), int64(le.Uint32(h[12:]))
	clear(h[16:20])
	if length < 92 || length > sector || crc32.ChecksumIEEE(h[:length]) != sum {
		return nil, fmt.Errorf("at byte %d: its checksum is wrong", at)
	}
	entry, count := int64(le.Uint32(h[84:])), int64(le.Uint32(h[80:]))
	if entry < 128 || entry > 4096 || count > 1024 || entry*count > maxTable || le.Uint64(h[72:]) > uint64(size/sector) {
		return nil, fmt.Errorf("at byte %d: %d entries of %d bytes are impossible", at, count, entry)
	}
	b := make([]byte, entry*count)
	if _, err := r.ReadAt(b, int64(le.Uint64(h[72:]))*sector); err != nil {
		return nil, fmt.Errorf("read entries: %w", err)
	}
	if crc32.ChecksumIEEE(b) != le.Uint32(h[88:]) {
		return nil, fmt.Errorf("at byte %d: the checksum of its entries is wrong", at)
	}
	return gptEntries(b, entry, sector, size)
}

// gptEntries gives the entries that lie on the disk. Others are an error, with which those come along.
func gptEntries(b []byte, entry, sector, size int64) ([]Part, error) {
	le := binary.LittleEndian
	var out []Part
	var wrong []error
	for i := int64(0); (i+1)*entry <= int64(len(b)) && len(out) < maxParts; i++ {
		e := b[i*entry:]
		first, last := le.Uint64(e[32:]), le.Uint64(e[40:])
		if [16]byte(e) == ([16]byte{}) {
			continue
		}
		if first > last || last >= uint64(size/sector) {
			wrong = append(wrong, damagedTable(nil, "GPT: partition %d, sectors %d to %d, does not lie on the disk of %d bytes", i+1, first, last, size))
			continue
		}
		out = append(out, Part{Number: int(i) + 1, Offset: int64(first) * sector, Size: int64(last-first+1) * sector, Name: utf16Name(e[56:128])})
	}
	return out, errors.Join(wrong...)
}

func utf16Name(b []byte) string {
	var units []uint16
	for i := 0; i+1 < len(b); i += 2 {
		u := binary.LittleEndian.Uint16(b[i:])
		if u == 0 {
			break
		}
		units = append(units, u)
	}
	return string(utf16.Decode(units))
}
