package xfs

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// crc32c is CRC-32C over b with the four bytes at hole, its own field, taken for zeros.
func crc32c(b []byte, hole int) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	sum := crc32.Update(0, table, b[:hole])
	sum = crc32.Update(sum, table, make([]byte, 4))
	return crc32.Update(sum, table, b[hole+4:])
}

// checkSum verifies the checksum that version 5 keeps in a piece of metadata. What the log changed has none: the kernel
// makes it anew when it writes the piece.
func (f *FS) checkSum(off int64, b []byte, hole int) error {
	if !f.super.checksums() || len(b) < hole+4 || f.dev.replayed(off, len(b)) {
		return nil
	}
	if want, got := binary.LittleEndian.Uint32(b[hole:]), crc32c(b, hole); want != got {
		return fmt.Errorf("its checksum is %#08x, that of its bytes is %#08x", want, got)
	}
	return nil
}
