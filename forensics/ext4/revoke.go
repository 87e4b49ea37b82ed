package ext4

import (
	"encoding/binary"
	"fmt"
)

// Bounds of what all revoke blocks of one log say together.
const (
	maxRevoked = 4 << 20  // different blocks: they are kept in memory
	maxRevokes = 16 << 20 // records, repeated ones too: they take time
)

// revoke reads a list of blocks whose older copies must not be replayed.
func (r *replayer) revoke(at uint32, b []byte) error {
	if !r.j.endSum(b) {
		return fmt.Errorf("the checksum of revoke block %d of the journal is wrong", at)
	}
	size, end := 4, int(binary.BigEndian.Uint32(b[journalHeader:]))
	if r.j.incompat&journal64bit != 0 {
		size = 8
	}
	if end < 0 || end > len(b) {
		return fmt.Errorf("revoke block %d of the journal says that it uses %d bytes", at, end)
	}
	for pos := journalHeader + 4; pos+size <= end; pos += size {
		block := uint64(binary.BigEndian.Uint32(b[pos:]))
		if size == 8 {
			block = binary.BigEndian.Uint64(b[pos:])
		}
		if err := r.revokeOne(at, block); err != nil {
			return err
		}
	}
	return nil
}

// revokeOne notes one block. Blocks outside the file system have no copies that count.
func (r *replayer) revokeOne(at uint32, block uint64) error {
	r.records++
	if r.records > maxRevokes || len(r.pending)+len(r.revokes) >= maxRevoked {
		return fmt.Errorf("revoke block %d of the journal: the log revokes more than any real one, %d blocks in %d records",
			at, len(r.pending)+len(r.revokes), r.records)
	}
	if block < r.j.fs.super.blocks {
		r.pending[block] = struct{}{}
	}
	return nil
}
