package timeline

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"
)

const (
	indexCost = 32  // bytes of memory that an event's place in the order takes
	maxRuns   = 128 // files that are merged at a time
	maxLine   = 1 << 20
)

// sorter is an external merge sort: lines are gathered in memory, and sorted lines written to a file when they fill it.
type sorter struct {
	dir             string
	memory, scratch int64
	total, written  int64
	arena           []byte
	index           []key
	runs            []*os.File
	sealed          bool
}

// key is where a line stands in the order, and where it lies in memory. Of the same time, the one that was added first
// comes first: lines of a log keep their order.
type key struct {
	seconds int64
	number  int64
	nanos   uint32
	at      uint32
	length  uint32
}

func (k key) compare(other key) int {
	return cmp.Or(cmp.Compare(k.seconds, other.seconds), cmp.Compare(k.nanos, other.nanos), cmp.Compare(k.number, other.number))
}

func (s *sorter) add(at time.Time, line []byte) error {
	if s.sealed {
		return errors.New("the timeline was written already: nothing can be added")
	}
	if s.full(len(line)) {
		if err := s.spill(); err != nil {
			return err
		}
	}
	s.index = append(s.index, key{seconds: at.Unix(), number: s.total, nanos: uint32(at.Nanosecond()), at: uint32(len(s.arena)), length: uint32(len(line))})
	s.arena = append(s.arena, line...)
	s.total++
	return nil
}

// full tells whether another line would take more than the memory that is granted. Growing a slice holds the old one for a
// moment, so half of it is what may be used.
func (s *sorter) full(more int) bool {
	used := int64(len(s.arena)) + int64(len(s.index))*indexCost
	return len(s.index) > 0 && used+int64(more)+indexCost > min(s.memory/2, 1<<31)
}

func (s *sorter) line(k key) []byte { return s.arena[k.at:][:k.length] }

func (s *sorter) sort() { slices.SortFunc(s.index, key.compare) }

// spill writes what is in memory to a file, in order, and merges files when there are too many.
func (s *sorter) spill() error {
	s.sort()
	err := s.writeRun(func(put func(k key, line []byte) error) error {
		for _, k := range s.index {
			if err := put(k, s.line(k)); err != nil {
				return err
			}
		}
		return nil
	})
	s.arena, s.index = s.arena[:0], s.index[:0]
	if err != nil || len(s.runs) < maxRuns {
		return err
	}
	old := s.runs
	s.runs = nil
	if err := s.writeRun(func(put func(k key, line []byte) error) error { return mergeRuns(old, put) }); err != nil {
		s.runs = append(s.runs, old...)
		return err
	}
	return errors.Join(s.drop(old)...)
}

// writeRun makes a file of sorted lines. It has no name any more once it is open, so that a kill leaves nothing behind.
func (s *sorter) writeRun(fill func(put func(k key, line []byte) error) error) error {
	f, err := os.CreateTemp(s.dir, "timeline-")
	if err != nil {
		return fmt.Errorf("sort the timeline: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		return errors.Join(fmt.Errorf("sort the timeline: %w", err), f.Close())
	}
	s.runs = append(s.runs, f)
	w := bufio.NewWriterSize(f, 64<<10)
	err = fill(func(k key, line []byte) error {
		if s.written += int64(headerSize + len(line)); s.written > s.scratch {
			return fmt.Errorf("the timeline takes more than %d bytes of scratch space", s.scratch)
		}
		return putLine(w, k, line)
	})
	if err = errors.Join(err, w.Flush()); err != nil {
		return fmt.Errorf("sort the timeline: %w", err)
	}
	return nil
}

const headerSize = 24

func putLine(w *bufio.Writer, k key, line []byte) error {
	head := w.AvailableBuffer()
	head = binary.LittleEndian.AppendUint64(head, uint64(k.seconds))
	head = binary.LittleEndian.AppendUint64(head, uint64(k.number))
	head = binary.LittleEndian.AppendUint32(head, k.nanos)
	head = binary.LittleEndian.AppendUint32(head, uint32(len(line)))
	if _, err := w.Write(head); err != nil {
		return err
	}
	_, err := w.Write(line)
	return err
}

// each gives all lines in order.
func (s *sorter) each(do func(line []byte) error) error {
	s.sealed = true
	if len(s.runs) == 0 {
		s.sort()
		for _, k := range s.index {
			if err := do(s.line(k)); err != nil {
				return err
			}
		}
		return nil
	}
	if len(s.index) > 0 {
		if err := s.spill(); err != nil {
			return err
		}
	}
	s.arena, s.index = nil, nil
	return mergeRuns(s.runs, func(_ key, line []byte) error { return do(line) })
}

// drop closes files, and with that removes them.
func (s *sorter) drop(files []*os.File) (errs []error) {
	for _, f := range files {
		if info, err := f.Stat(); err == nil {
			s.written -= info.Size()
		}
		errs = append(errs, f.Close())
	}
	return errs
}

func (s *sorter) close() []error {
	s.sealed, s.arena, s.index = true, nil, nil
	old := s.runs
	s.runs = nil
	return s.drop(old)
}

// run is a file of sorted lines while it is read.
type run struct {
	r    *bufio.Reader
	key  key
	line []byte
}

func (r *run) next() (more bool, err error) {
	var head [headerSize]byte
	if _, err := io.ReadFull(r.r, head[:]); err != nil {
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		return false, err
	}
	le := binary.LittleEndian
	r.key = key{seconds: int64(le.Uint64(head[:])), number: int64(le.Uint64(head[8:])), nanos: le.Uint32(head[16:])}
	length := int(le.Uint32(head[20:]))
	if length > maxLine {
		return false, fmt.Errorf("the scratch file has a line of %d bytes", length)
	}
	r.line = slices.Grow(r.line[:0], length)[:length]
	_, err = io.ReadFull(r.r, r.line)
	return err == nil, err
}
