package xfs

import (
	"errors"
	"fmt"
)

// replayer goes through the log twice: first for the buffers that were cancelled, then for what the transactions change.
type replayer struct {
	fs        *FS
	log       *xlog
	budget    budget
	cancelled map[bufferKey]int
	intents   map[intentKey]string
	ages      map[int64]uint64 // of metadata that the replay changed, by the byte at which it begins
	waiting   map[int64]uint64 // those of the transactions that began in the same record as the one that is replayed
	lsn       uint64           // of that record
	wrong     int              // things that were left out
}

// bufferKey is a stretch of the disk, in sectors.
type bufferKey struct{ at, length int64 }

// recoverLog lays every committed transaction over the image, as the kernel does when it mounts.
func (f *FS) recoverLog() {
	l := f.openLog()
	b, err := l.findBounds()
	if err != nil {
		f.replay.Needed, f.replay.Stopped = true, err.Error()
		f.note(damaged("log", "the image is shown without it, newer changes may be missing: %w", err))
		return
	}
	f.replay.Needed = !b.clean
	if b.clean && b.behind > 0 {
		f.note(damaged(l.place(b.head), "the log says that the file system was unmounted, and %d records follow that are as new: they are not replayed", b.behind))
	}
	if f.limits.SkipJournal || b.clean {
		return
	}
	newReplayer(f, l).run(b)
	f.dev.forget()
	f.readSuperAgain()
}

func newReplayer(f *FS, l *xlog) *replayer {
	most := f.limits.MaxReplayBytes
	return &replayer{
		fs: f, log: l, budget: budget{left: most, total: most},
		intents: map[intentKey]string{}, ages: map[int64]uint64{}, waiting: map[int64]uint64{},
	}
}

// run makes both passes, and says how the log ended.
func (r *replayer) run(b bounds) {
	err := r.log.startOfLog(&b)
	if err == nil {
		err = r.findCancelled(&b)
	}
	var open int
	if stop := r.replay(b, &open); stop != nil { // whatever stopped the first pass is met again
		err = stop
	}
	r.fs.replay.Stopped = fmt.Sprintf("the log ends at sector %d of %d", b.head, r.log.sectors)
	if b.torn {
		r.fs.replay.Stopped += "; the next record was on its way to the disk and is not whole"
	}
	if b.behind > 0 {
		r.fs.replay.Stopped += fmt.Sprintf("; %d records behind it are as new and are not replayed, as in the kernel", b.behind)
	}
	if open > 0 {
		r.fs.replay.Stopped += fmt.Sprintf("; %d transactions that had begun are not committed", open)
	}
	if err != nil {
		r.fs.replay.Stopped = err.Error()
		r.fs.note(damaged("log", "it is replayed up to there only, newer changes may be missing: %w", err))
	}
	r.fs.replay.Blocks = r.fs.dev.changedBlocks(r.fs.super.blockSize)
	r.reportIntents()
}

// findCancelled is the first pass. A record that is not whole may be one that newer ones had begun to overwrite.
func (r *replayer) findCancelled(b *bounds) error {
	for {
		r.cancelled = map[bufferKey]int{}
		a := r.assembler(r.noteCancelled)
		a.brief = true
		bad, err := r.log.eachRecord(b.tail, b.head, a.record)
		a.release()
		if err == nil || errors.Is(err, errUnreadable) {
			return err
		}
		if moved, seekErr := r.log.skipOverwritten(b, bad); !moved || seekErr != nil {
			return errors.Join(err, seekErr)
		}
	}
}

func (r *replayer) assembler(commit func(*transaction) error) *assembler {
	check := func(h *header) error {
		if h.uuid != r.fs.super.uuid || h.format != logLittle {
			return fmt.Errorf("the record is of the file system %x, in format %d", h.uuid, h.format)
		}
		return nil
	}
	return &assembler{open: map[uint32]*transaction{}, commit: commit, check: check, budget: &r.budget}
}

func (r *replayer) noteCancelled(t *transaction) error {
	for _, it := range t.items {
		if it.kind() != itemBuffer {
			continue
		}
		b, err := parseBuffer(it.regions[0])
		if err != nil {
			return err
		}
		if b.flags&bufferCancel == 0 {
			continue
		}
		if _, again := r.cancelled[b.key]; !again {
			if err := r.budget.take(regionCost); err != nil {
				return err
			}
		}
		r.cancelled[b.key]++
	}
	return nil
}

// replay is the second pass.
func (r *replayer) replay(b bounds, open *int) error {
	a := r.assembler(r.commit)
	_, err := r.log.eachRecord(b.tail, b.head, a.record)
	*open = len(a.open)
	a.release()
	return err
}

// leaveOut reports what the log says and is not used. Many of them must not crowd out how the log ended.
func (r *replayer) leaveOut(place, format string, args ...any) {
	if r.wrong++; r.wrong <= maxErrors/2 {
		r.fs.note(damaged(place, format, args...))
	}
}

// patch puts bytes over the image, within the budget.
func (r *replayer) patch(off int64, b []byte) error {
	before := len(r.fs.dev.overlay)
	if err := r.budget.take(int64(len(b)) + 2*sectorSize); err != nil {
		return err
	}
	err := r.fs.dev.patch(off, b)
	r.budget.left += int64(len(b)) + 2*sectorSize - int64(len(r.fs.dev.overlay)-before)*(sectorSize+regionCost)
	return err
}

// readSuperAgain takes the superblock as the log left it: the file system may have grown.
func (f *FS) readSuperAgain() {
	b, err := f.dev.bytes(0, superSize)
	if err != nil {
		f.note(fmt.Errorf("superblock after the replay: %w", err))
		return
	}
	s, err := parseSuper(b)
	if err != nil || s.blockSize != f.super.blockSize || s.groupBlocks != f.super.groupBlocks || s.inodeSize != f.super.inodeSize || s.logStart != f.super.logStart {
		f.note(damaged("superblock", "the log's copy is not used: %v", err))
		return
	}
	f.super = s
}
