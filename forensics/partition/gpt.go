package partition

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"unicode/utf16"
)

var errNoTable = errors.New("no partition table")

const maxTable = 128 << 10 // bytes of a GPT's entries; 16 KiB is usual

// readGPT reads the table behind the first sector, or, where that one is damaged, its backup in the last sector.
func readGPT(r io.ReaderAt, size, sector int64) ([]Part, error) {
	parts, first := gptAt(r, size, sector, sector)
	if first == nil {
		return parts, nil
	}
	parts, backup := gptAt(r, size, sector, size-sector)
	switch {
	case backup == nil:
		return parts, nil
	case errors.Is(first, errNoTable) && errors.Is(backup, errNoTable):
		return nil, errNoTable
	}
	return nil, fmt.Errorf("GPT: header: %s; backup: %s", first.Error(), backup.Error()) // one of them may be errNoTable, which this is not
}

func gptAt(r io.ReaderAt, size, sector, at int64) ([]Part, error) {
	le := binary.LittleEndian
	h := make([]byte, 92)
	if at < 0 || at+sector > size {
		return nil, errNoTable
	}
	if _, err := r.ReadAt(h, at); err != nil {
		return nil, fmt.Errorf("read at byte %d: %w", at, err)
	}
	if string(h[:8]) != "EFI PART" {
		return nil, errNoTable
	}
	sum := le.Uint32(h[16:])
	clear(h[16:20])
	if le.Uint32(h[12:]) != 92 || crc32.ChecksumIEEE(h) != sum {
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
	return gptEntries(b, entry, sector, size), nil
}

// gptEntries gives the entries that lie on the disk.
func gptEntries(b []byte, entry, sector, size int64) []Part {
	le := binary.LittleEndian
	var out []Part
	for i := int64(0); (i+1)*entry <= int64(len(b)) && len(out) < maxParts; i++ {
		e := b[i*entry:]
		first, last := le.Uint64(e[32:]), le.Uint64(e[40:])
		if [16]byte(e) == ([16]byte{}) || first > last || last >= uint64(size/sector) {
			continue
		}
		out = append(out, Part{Number: int(i) + 1, Offset: int64(first) * sector, Size: int64(last-first+1) * sector, Name: utf16Name(e[56:128])})
	}
	return out
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
