package ext4

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// errLogEnd is the end that the log of every sound journal has. Whatever else stops the scan is damage.
var errLogEnd = errors.New("the log ends here")

// write is one block that a transaction holds.
type write struct {
	target   uint64
	from     replayed
	sequence uint32
}

// replayer goes through the log once. What a transaction holds counts only when its commit block is reached.
type replayer struct {
	j         *journal
	next      uint32 // block of the log
	sequence  uint32
	left      uint32 // blocks of the log not yet looked at
	writes    []write
	committed int                 // of writes
	wrong     int                 // things that were left out
	revokes   map[uint64]uint32   // block to the last transaction that revoked it
	pending   map[uint64]struct{} // revoked by the transaction that is being read
	records   int                 // of all revoke blocks
	old       uint32              // checksum of the transaction that is being read, where the journal has the old kind
	replay    *volume.Replay
}

// replayJournal lays every committed transaction over the image, as the kernel does when it mounts.
func (f *FS) replayJournal() error {
	j, err := f.openJournal()
	if err != nil || j == nil {
		return err
	}
	f.replay.Needed = true
	r := &replayer{
		j: j, next: j.start, sequence: j.sequence, left: j.last - j.first, replay: &f.replay,
		revokes: map[uint64]uint32{}, pending: map[uint64]struct{}{}, old: ^uint32(0),
	}
	f.replay.First = uint64(j.sequence)
	stop := r.scan()
	f.replay.Stopped = stop.Error()
	if !errors.Is(stop, errLogEnd) {
		f.note(damaged("journal", "it is read up to transaction %d only, newer changes may be missing: %w", r.sequence, stop))
	}
	f.dev.setOverlay(r.overlay())
	f.replayFastCommits(j, r.sequence)
	return nil
}

// scan reads the log up to its end. There always is an end: the error that it gives says which.
func (r *replayer) scan() error {
	for {
		at := r.next
		b, err := r.take()
		if err != nil {
			return err
		}
		be := binary.BigEndian
		if be.Uint32(b) != journalMagic || be.Uint32(b[8:]) != r.sequence {
			return fmt.Errorf("transaction %d does not begin or go on at block %d of the journal: %w", r.sequence, at, errLogEnd)
		}
		if err := r.handle(at, be.Uint32(b[4:]), b); err != nil {
			return err
		}
	}
}

func (r *replayer) handle(at, kind uint32, b []byte) error {
	switch kind {
	case blockDesc:
		return r.descriptor(at, b)
	case blockRevoke:
		return r.revoke(at, b)
	case blockCommit:
		return r.commit(at, b)
	}
	return fmt.Errorf("block %d of the journal is of unknown type %d", at, kind)
}

// take reads the next block of the log and counts it, so that a log that bites its tail ends.
func (r *replayer) take() ([]byte, error) {
	n, err := r.advance()
	if err != nil {
		return nil, err
	}
	return r.j.block(n)
}

func (r *replayer) advance() (uint32, error) {
	if r.left == 0 {
		return 0, fmt.Errorf("the log of %d blocks is full: %w", r.j.last-r.j.first, errLogEnd)
	}
	n := r.next
	r.left, r.next = r.left-1, r.j.wrap(n+1)
	return n, nil
}

// descriptor reads a list of blocks and passes over their copies, which follow it.
func (r *replayer) descriptor(at uint32, b []byte) error {
	if !r.j.endSum(b) {
		return fmt.Errorf("the checksum of descriptor block %d of the journal is wrong", at)
	}
	r.addOld(b)
	end := len(b)
	if r.j.checksums() {
		end -= 4
	}
	size := r.j.tagSize()
	for pos := journalHeader; pos+size <= end; {
		t := r.j.tag(b[pos:])
		if pos += size; t.flags&tagSameUUID == 0 {
			pos += 16
		}
		if err := r.copyOf(t); err != nil {
			return err
		}
		if t.flags&tagLast != 0 {
			return nil
		}
	}
	return nil
}

// copyOf notes one copy. A copy whose checksum is wrong is left out and reported; the kernel does the same.
func (r *replayer) copyOf(t tag) error {
	n, err := r.advance()
	if err != nil {
		return err
	}
	at, err := r.j.physical(n)
	if err != nil {
		return err
	}
	if ok, err := r.intact(at, t); err != nil || !ok {
		r.leaveOut(n, "the copy of block %d in transaction %d is not used: checksum is wrong (%v)", t.block, r.sequence, err)
		return nil
	}
	if t.block >= r.j.fs.super.blocks {
		r.leaveOut(n, "is a copy of block %d of a file system of %d", t.block, r.j.fs.super.blocks)
		return nil
	}
	r.writes = append(r.writes, write{target: t.block, sequence: r.sequence, from: replayed{physical: at, escaped: t.flags&tagEscape != 0}})
	return nil
}

// leaveOut reports what a block of the log says and is not used. Many of them must not crowd out how the log ended.
func (r *replayer) leaveOut(n uint32, format string, args ...any) {
	if r.wrong++; r.wrong <= maxErrors/2 {
		r.j.fs.note(damaged(fmt.Sprintf("journal block %d", n), format, args...))
	}
}

// intact checks a copy's checksum, where the journal has one.
func (r *replayer) intact(at uint64, t tag) (bool, error) {
	if !r.j.checksums() && !r.j.oldSums {
		return true, nil
	}
	b := make([]byte, r.j.fs.super.blockSize)
	if err := r.j.fs.dev.raw(at, 0, b); err != nil {
		return false, err
	}
	if r.addOld(b); !r.j.checksums() {
		return true, nil
	}
	sum := crc32c(crc32c(r.j.seed, binary.BigEndian.AppendUint32(nil, r.sequence)), b)
	if r.j.incompat&journalCsumV3 == 0 {
		sum &= 0xFFFF
	}
	return sum == t.sum, nil
}

// commit makes what the transaction holds count.
func (r *replayer) commit(at uint32, b []byte) error {
	if !r.j.commitSum(b) {
		return fmt.Errorf("the checksum of commit block %d of the journal is wrong", at)
	}
	if !r.oldRight(b) {
		return fmt.Errorf("the transaction that block %d of the journal commits is not whole: its checksum is wrong", at)
	}
	for block := range r.pending {
		r.revokes[block] = r.sequence
	}
	clear(r.pending)
	r.committed = len(r.writes)
	r.replay.Transactions++
	r.replay.Last = uint64(r.sequence)
	r.commitTime(at, b)
	r.sequence++
	return nil
}

// commitTime notes when a transaction was committed. A year that neither JSON nor a clock has is left out and reported.
func (r *replayer) commitTime(at uint32, b []byte) {
	sec := binary.BigEndian.Uint64(b[0x30:])
	when := time.Unix(int64(min(sec, 1<<40)), int64(binary.BigEndian.Uint32(b[0x38:]))).UTC()
	switch {
	case sec == 0:
	case when.Year() > 9999:
		r.leaveOut(at, "the time of its commit, %d seconds after 1970, is impossible", sec)
	default:
		r.replay.LastCommit = when
	}
}

// overlay keeps the newest copy of each block, without those that were revoked later.
func (r *replayer) overlay() map[uint64]replayed {
	out := map[uint64]replayed{}
	for _, w := range r.writes[:r.committed] {
		if by, ok := r.revokes[w.target]; ok && int32(by-w.sequence) >= 0 {
			r.replay.Revoked++
			continue
		}
		out[w.target] = w.from
	}
	r.replay.Blocks = len(out)
	return out
}
