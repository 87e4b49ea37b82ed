package partition

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

const (
	sectorMBR  = 512  // of a boot record, whatever the disk's sectors
	protective = 0xEE // type of the one partition that keeps tools that do not know GPT away from a disk that has one
)

// mbr reads a table whose numbers count sectors of that length.
type mbr struct {
	r      io.ReaderAt
	size   int64
	sector int64
}

// readMBR reads the four primary partitions and follows the chain of logical ones. With an error, the partitions that could
// be read come along. The table does not say how long the disk's sectors are: where something known begins where sectors
// of 4096 bytes have it and nothing where those of 512 do, they are of 4096.
func readMBR(r io.ReaderAt, size int64) ([]Part, error) {
	known := func(p Part) bool { return detect(r, p.Offset, p.Size) != Unknown }
	parts, err := mbr{r, size, 512}.read()
	if errors.Is(err, errNoTable) || slices.ContainsFunc(parts, known) {
		return parts, err
	}
	if large, wrong := (mbr{r, size, 4096}).read(); wrong == nil && slices.ContainsFunc(large, known) {
		return large, nil
	}
	return parts, err
}

func (m mbr) read() ([]Part, error) {
	b, err := m.bootRecord(0)
	if err != nil {
		return nil, err
	}
	if !plausible(b) {
		return nil, errNoTable
	}
	var out []Part
	var errs []error
	for i := range 4 {
		kind, first, sectors := mbrEntry(b, i)
		switch {
		case extended(kind):
			logical, err := m.logical(first)
			out, errs = append(out, logical...), append(errs, err)
			continue
		case kind == protective:
			errs = append(errs, damagedTable(nil, "MBR: entry %d says that the disk has a GPT, and neither its header nor its backup is there", i+1))
			continue
		}
		p, ok := m.onDisk(i+1, first, sectors)
		if ok && kind != 0 {
			out = append(out, p)
		}
		if !ok && kind != 0 && sectors > 0 {
			errs = append(errs, damagedTable(nil, "MBR: partition %d, %d sectors from sector %d on, does not lie on the disk of %d bytes", i+1, sectors, first, m.size))
		}
	}
	return out, errors.Join(errs...)
}

// logical follows the chain of boot records in an extended partition; its length is bounded, so it may bite its tail.
func (m mbr) logical(extendedAt int64) ([]Part, error) {
	var out []Part
	at := extendedAt
	for n := 5; n < 5+maxParts; n++ {
		b, err := m.bootRecord(at * m.sector)
		if err != nil { // also where there is none: the chain says that there is one
			return out, damagedTable([]error{err}, "MBR: logical partition %d: boot record at byte %d: %s", n, at*m.sector, err)
		}
		kind, first, sectors := mbrEntry(b, 0)
		if p, ok := m.onDisk(n, at+first, sectors); ok && kind != 0 {
			out = append(out, p)
		}
		kind, next, _ := mbrEntry(b, 1)
		if !extended(kind) {
			return out, nil
		}
		at = extendedAt + next
	}
	return out, damagedTable(nil, "MBR: more than %d logical partitions", maxParts)
}

func (m mbr) bootRecord(at int64) ([]byte, error) {
	b := make([]byte, sectorMBR)
	if at+sectorMBR > m.size {
		return nil, errNoTable
	}
	if _, err := m.r.ReadAt(b, at); err != nil {
		return nil, fmt.Errorf("read boot record at byte %d: %w", at, err)
	}
	if b[510] != 0x55 || b[511] != 0xAA {
		return nil, errNoTable
	}
	return b, nil
}

// plausible tells a table from the text of a FAT's boot sector, which ends with the same mark, as the kernel does
// (block/partitions/msdos.c): no entry is anything but active or not.
func plausible(b []byte) bool {
	for i := range 4 {
		if b[446+i*16]&0x7F != 0 {
			return false
		}
	}
	return true
}

func mbrEntry(b []byte, i int) (kind byte, first, sectors int64) {
	e := b[446+i*16:]
	return e[4], int64(binary.LittleEndian.Uint32(e[8:])), int64(binary.LittleEndian.Uint32(e[12:]))
}

func extended(kind byte) bool { return kind == 0x05 || kind == 0x0F || kind == 0x85 }

func (m mbr) onDisk(number int, first, sectors int64) (Part, bool) {
	p := Part{Number: number, Offset: first * m.sector, Size: sectors * m.sector}
	return p, first > 0 && sectors > 0 && p.Offset+p.Size <= m.size
}
