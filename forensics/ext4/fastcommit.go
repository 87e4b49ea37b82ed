package ext4

import (
	"encoding/binary"
	"fmt"
)

// Between two transactions the kernel may write what changed as short records (fs/ext4/fast_commit.h): the fast commits,
// behind the log. They count for the transaction that was not yet committed, and only up to the last one that is whole.
const (
	fastAddRange = 1
	fastDelRange = 2
	fastCreate   = 3
	fastLink     = 4
	fastUnlink   = 5
	fastInode    = 6
	fastPad      = 7
	fastTail     = 8
	fastHead     = 9

	fastRecord   = 4        // bytes before a record's own: what it is, and how many follow
	maxFastBytes = 64 << 20 // of all records, which are kept in memory
	minLog       = 1024     // blocks that the log must keep for there to be room for fast commits
)

// fastTag is one record.
type fastTag struct {
	kind  uint16
	value []byte
}

// fastScan reads the records of the transaction next.
type fastScan struct {
	fs      *FS
	next    uint32
	sum     uint32
	pending []fastTag // of a commit whose tail was not yet reached
	tags    []fastTag
	commits int
}

// replayFastCommits lays the fast commits that follow the log over the image; the log ends before the transaction next.
func (f *FS) replayFastCommits(j *journal, next uint32) {
	s := &fastScan{fs: f, next: next}
	stopped := s.blocks(j)
	if stopped != nil {
		f.note(fmt.Errorf("fast commits are read up to here only, newer changes may be missing: %w", stopped))
	}
	f.replay.FastCommits = s.commits
	if len(s.tags) > 0 {
		newFastReplay(f).run(s.tags)
	}
}

// blocks reads block after block. As the kernel counts, the area begins one block late: block j.last is never used.
func (s *fastScan) blocks(j *journal) error {
	bytes := int64(0)
	for n := j.last + 1; n < j.total; n++ {
		if bytes += s.fs.super.blockSize; bytes > maxFastBytes {
			return damaged(fmt.Sprintf("journal block %d", n), "more than %d bytes of fast commits", maxFastBytes)
		}
		b, err := j.block(n)
		if err != nil {
			return err
		}
		if n == j.last+1 && binary.LittleEndian.Uint16(b) != fastHead {
			return nil
		}
		if more, err := s.block(n, b); err != nil || !more {
			return err
		}
	}
	return nil
}

// block reads the records of one block. Where they end in any other way than the kernel writes, it is damage unless a
// whole commit was met before: what follows the last one is what an older one left there.
func (s *fastScan) block(n uint32, b []byte) (more bool, err error) {
	le := binary.LittleEndian
	for at := 0; at+fastRecord <= len(b); {
		kind, length := le.Uint16(b[at:]), int(le.Uint16(b[at+2:]))
		end := at + fastRecord + length
		if end > len(b) || !s.fs.super.fastLength(kind, length) {
			return false, s.ends(n, at, "a record of kind %d with %d bytes", kind, length)
		}
		tag := fastTag{kind: kind, value: b[at+fastRecord : end]}
		switch kind {
		case fastTail:
			if s.sum = crc32c(s.sum, b[at:at+fastRecord+4]); le.Uint32(tag.value) != s.next || le.Uint32(tag.value[4:]) != s.sum {
				return false, s.ends(n, at, "the commit of transaction %d is not whole", s.next)
			}
			s.tags, s.pending, s.sum = append(s.tags, s.pending...), nil, 0
			s.commits++
		case fastHead:
			if le.Uint32(tag.value[4:]) != s.next { // of a former transaction
				return false, nil
			}
			if features := le.Uint32(tag.value); features != 0 {
				return false, damaged(fmt.Sprintf("journal block %d, byte %d", n, at), "fast commits with unknown features %#x", features)
			}
			s.sum = crc32c(s.sum, b[at:end])
		default:
			s.sum = crc32c(s.sum, b[at:end])
			s.pending = append(s.pending, tag)
		}
		at = end
	}
	return true, nil
}

func (s *fastScan) ends(n uint32, at int, format string, args ...any) error {
	if s.commits > 0 {
		return nil
	}
	return damaged(fmt.Sprintf("journal block %d, byte %d", n, at), format, args...)
}

// fastLength tells whether a record of that kind can have so many bytes, as ext4_fc_value_len_isvalid does.
func (s *superblock) fastLength(kind uint16, length int) bool {
	switch kind {
	case fastAddRange:
		return length == 16
	case fastDelRange:
		return length == 12
	case fastCreate, fastLink, fastUnlink:
		return length > 8 && length <= 8+255
	case fastInode:
		return length >= 4+128 && int64(length) <= 4+s.inodeSize
	case fastTail:
		return length >= 8
	case fastHead:
		return length == 8
	}
	return kind == fastPad
}
