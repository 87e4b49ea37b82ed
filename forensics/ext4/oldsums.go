package ext4

import "encoding/binary"

// Before each block of the log had a checksum of its own, a commit block could have one of the whole transaction: of its
// descriptor blocks and copies, in their order. It shows a transaction whose commit reached the disk before its copies.
const (
	oldSumKind = 1 // CRC-32, most significant bit first
	oldSumSize = 4
)

func (r *replayer) addOld(b []byte) {
	if r.j.oldSums {
		r.old = crc32BE(r.old, b)
	}
}

// oldRight checks a commit block's checksum of its transaction, where there is one, and begins the next.
func (r *replayer) oldRight(b []byte) bool {
	sum := r.old
	r.old = ^uint32(0)
	kind, size, want := b[0x0C], b[0x0D], binary.BigEndian.Uint32(b[0x10:])
	switch {
	case !r.j.oldSums || kind == 0 && size == 0 && want == 0:
		return true
	}
	return kind == oldSumKind && size == oldSumSize && sum == want
}

// crc32BE is the kernel's crc32_be.
func crc32BE(sum uint32, b []byte) uint32 {
	for _, c := range b {
		sum ^= uint32(c) << 24
		for range 8 {
			high := sum >> 31
			if sum <<= 1; high != 0 {
				sum ^= 0x04C11DB7
			}
		}
	}
	return sum
}
