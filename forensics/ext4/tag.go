package ext4

import "encoding/binary"

// Flags of a tag in a descriptor block.
const (
	tagEscape   = 1
	tagSameUUID = 2
	tagLast     = 8
)

// tag is one entry of a descriptor block.
type tag struct {
	block uint64
	flags uint32
	sum   uint32
}

func (j *journal) tagSize() int {
	size := 8
	if j.incompat&journalCsumV3 != 0 {
		return 16
	}
	if j.incompat&journalCsumV2 != 0 {
		size += 2
	}
	if j.incompat&journal64bit != 0 {
		size += 4
	}
	return size
}

func (j *journal) tag(b []byte) tag {
	be := binary.BigEndian
	t := tag{block: uint64(be.Uint32(b))}
	if j.incompat&journalCsumV3 != 0 {
		t.flags, t.sum = be.Uint32(b[4:]), be.Uint32(b[12:])
	} else {
		t.sum, t.flags = uint32(be.Uint16(b[4:])), uint32(be.Uint16(b[6:]))
	}
	if j.incompat&journal64bit != 0 {
		t.block |= uint64(be.Uint32(b[8:])) << 32
	}
	return t
}
