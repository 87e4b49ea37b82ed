package partition

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

const sectorMBR = 512

// readMBR reads the four primary partitions and follows the chain of logical ones. With an error, the partitions that could
// be read come along.
func readMBR(r io.ReaderAt, size int64) ([]Part, error) {
	b, err := bootRecord(r, size, 0)
	if err != nil {
		return nil, err
	}
	var out []Part
	var errs []error
	for i := range 4 {
		kind, first, sectors := mbrEntry(b, i)
		if extended(kind) {
			logical, err := readLogical(r, size, first)
			out, errs = append(out, logical...), append(errs, err)
			continue
		}
		if p, ok := onDisk(i+1, first, sectors, size); ok && kind != 0 {
			out = append(out, p)
		}
	}
	return out, errors.Join(errs...)
}

// readLogical follows the chain of boot records in an extended partition; its length is bounded, so it may bite its tail.
func readLogical(r io.ReaderAt, size, extendedAt int64) ([]Part, error) {
	var out []Part
	at := extendedAt
	for n := 5; n < 5+maxParts; n++ {
		b, err := bootRecord(r, size, at*sectorMBR)
		if err != nil {
			return out, fmt.Errorf("MBR: logical partition %d: boot record at byte %d: %s", n, at*sectorMBR, err.Error()) // not errNoTable: the chain says that there is one
		}
		kind, first, sectors := mbrEntry(b, 0)
		if p, ok := onDisk(n, at+first, sectors, size); ok && kind != 0 {
			out = append(out, p)
		}
		kind, next, _ := mbrEntry(b, 1)
		if !extended(kind) {
			return out, nil
		}
		at = extendedAt + next
	}
	return out, fmt.Errorf("MBR: more than %d logical partitions", maxParts)
}

func bootRecord(r io.ReaderAt, size, at int64) ([]byte, error) {
	b := make([]byte, sectorMBR)
	if at+sectorMBR > size {
		return nil, errNoTable
	}
	if _, err := r.ReadAt(b, at); err != nil {
		return nil, fmt.Errorf("read boot record at byte %d: %w", at, err)
	}
	if b[510] != 0x55 || b[511] != 0xAA {
		return nil, errNoTable
	}
	return b, nil
}

func mbrEntry(b []byte, i int) (kind byte, first, sectors int64) {
	e := b[446+i*16:]
	return e[4], int64(binary.LittleEndian.Uint32(e[8:])), int64(binary.LittleEndian.Uint32(e[12:]))
}

func extended(kind byte) bool { return kind == 0x05 || kind == 0x0F || kind == 0x85 }

func onDisk(number int, first, sectors, size int64) (Part, bool) {
	p := Part{Number: number, Offset: first * sectorMBR, Size: sectors * sectorMBR}
	return p, first > 0 && sectors > 0 && p.Offset+p.Size <= size
}
