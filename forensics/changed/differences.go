package changed

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// mapper holds what is known so far.
type mapper struct {
	ctx  ended
	in   Input
	opts Options

	differ   []Stretch // of the file system, normal
	owned    []Stretch // of them, what something was found to own
	files    map[uint64]*File
	gone     map[uint64]*File // whose inodes are other files' now
	areas    map[string]*Area
	records  []uint64 // inodes whose records differ
	coarse   int64
	problems []string
	more     bool // files than may be held
}

// ended is the part of context.Context that is needed between methods.
type ended interface{ Err() error }

const (
	maxProblems = 1000
	step        = 256 << 10 // read at once from each side
)

func (m *mapper) problem(place string, err error) {
	if len(m.problems) < maxProblems {
		m.problems = append(m.problems, fmt.Sprintf("%s: %v", place, err))
	}
}

// image reads a side as it is after the replay, where its reader knows how.
func (s Side) image() io.ReaderAt {
	if known, ok := s.FS.(volume.Layout); ok {
		return known.Image()
	}
	return s.Disk
}

func (s Side) layout() (volume.Layout, bool) {
	known, ok := s.FS.(volume.Layout)
	return known, ok
}

// differences compares byte for byte where the two may differ: in the ranges given, and where either journal holds newer
// copies, which are of blocks that need not have changed on the disk.
func (m *mapper) differences() error {
	size := max(m.in.Before.Size, m.in.After.Size)
	ranges := append([]Stretch(nil), m.in.Ranges...)
	if m.in.Ranges == nil {
		ranges = []Stretch{{0, size}}
	}
	for _, side := range []Side{m.in.Before, m.in.After} {
		if known, ok := side.layout(); ok {
			for _, e := range known.Newer() {
				ranges = append(ranges, Stretch{e.Physical, e.Length})
			}
		}
	}
	unit := min(m.in.Before.FS.BlockSize(), m.in.After.FS.BlockSize())
	before, after := m.in.Before.image(), m.in.After.image()
	if before == nil || after == nil || unit <= 0 {
		return errors.New("compare two file systems: the bytes of one cannot be read")
	}
	a, b := make([]byte, step), make([]byte, step)
	for _, r := range normal(ranges) {
		r = Stretch{max(r.Offset, 0) / unit * unit, r.Length}
		for at := r.Offset; at < min(r.end(), size); at += step {
			if err := m.ctx.Err(); err != nil {
				return err
			}
			n := min(step, r.end()-at, size-at)
			wrong := m.read(before, a[:n], at, m.in.Before.Size, "before") || m.read(after, b[:n], at, m.in.After.Size, "after")
			if wrong {
				m.piecewise(before, after, at, n, unit)
				continue
			}
			m.compare(a[:n], b[:n], at, unit)
		}
	}
	return nil
}

// read fills p; behind the end of a side there are zeros. It tells whether something could not be read.
func (m *mapper) read(r io.ReaderAt, p []byte, at, size int64, side string) (wrong bool) {
	clear(p)
	have := min(max(size-at, 0), int64(len(p)))
	if have == 0 {
		return false
	}
	if _, err := r.ReadAt(p[:have], at); err != nil && !errors.Is(err, io.EOF) {
		if int64(len(p)) <= m.in.After.FS.BlockSize() { // the smallest piece: this is the place
			m.problem(fmt.Sprintf("%s, byte %d", side, at), err)
		}
		return true
	}
	return false
}

// piecewise compares block by block where one read failed. What cannot be read on one side is taken for changed.
func (m *mapper) piecewise(before, after io.ReaderAt, at, length, unit int64) {
	a, b := make([]byte, unit), make([]byte, unit)
	for end := at + length; at < end; at += unit {
		n := min(unit, end-at)
		wrongBefore, wrongAfter := m.read(before, a[:n], at, m.in.Before.Size, "before"), m.read(after, b[:n], at, m.in.After.Size, "after")
		if wrongBefore || wrongAfter {
			m.add(Stretch{at, n})
			continue
		}
		m.compare(a[:n], b[:n], at, unit)
	}
}

func (m *mapper) compare(a, b []byte, at, unit int64) {
	if bytes.Equal(a, b) {
		return
	}
	for from := int64(0); from < int64(len(a)); from += unit {
		to := min(from+unit, int64(len(a)))
		if !bytes.Equal(a[from:to], b[from:to]) {
			m.add(Stretch{at + from, to - from})
		}
	}
}

// add adds a stretch behind all others. When there are too many, those closest to each other are joined.
func (m *mapper) add(s Stretch) {
	if n := len(m.differ) - 1; n >= 0 && m.differ[n].end()+m.coarse >= s.Offset {
		m.differ[n].Length = s.end() - m.differ[n].Offset
		return
	}
	m.differ = append(m.differ, s)
	for len(m.differ) > m.opts.MaxStretches {
		m.coarsen()
	}
}

func (m *mapper) coarsen() {
	m.coarse = max(2*m.coarse, m.in.After.FS.BlockSize())
	out := m.differ[:0]
	for _, s := range m.differ {
		if n := len(out) - 1; n >= 0 && out[n].end()+m.coarse >= s.Offset {
			out[n].Length = s.end() - out[n].Offset
			continue
		}
		out = append(out, s)
	}
	m.differ = out
}
