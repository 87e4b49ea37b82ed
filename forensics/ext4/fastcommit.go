package ext4

import (
	"encoding/binary"
	"fmt"
)

const (
	fastCommitHead = 0x9 // EXT4_FC_TAG_HEAD
	fastCommitTID  = 8   // where a head says which transaction it continues
)

// noteFastCommits says so when fast commits follow the log, which ends before the transaction next. They are not replayed.
func (f *FS) noteFastCommits(j *journal, next uint32) {
	if j.fastBlocks < 2 {
		return
	}
	first := j.last + 1 // as the kernel counts: block j.last is never used
	b, err := j.block(first)
	place := fmt.Sprintf("journal block %d", first)
	if err != nil {
		f.note(damaged(place, "whether there are fast commits cannot be read: %w", err))
		return
	}
	le := binary.LittleEndian
	if le.Uint16(b) == fastCommitHead && le.Uint32(b[fastCommitTID:]) == next {
		f.note(damaged(place, "fast commits are present and are not replayed: the newest changes may be missing"))
	}
}
