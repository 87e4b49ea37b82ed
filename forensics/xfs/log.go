package xfs

import (
	"encoding/binary"
	"fmt"
)

const (
	logMagic     = 0xFEEDBABE
	logWindow    = 128       // sectors that are read at once while the log's ends are searched
	logInFlight  = 8         // records that may have been on their way to the disk at once
	cyclesInHead = 64        // sectors whose first words one header keeps
	maxRecord    = 256 << 10 // bytes of one record in version 2 of the log
	maxRecord1   = 32 << 10  // and in version 1
	cycleSize    = 4         // bytes at the head of each sector that say in which turn it was written
)

// xlog is the log: a circle of sectors, written over and over. The first word of each sector is the number of the turn in
// which it was written; the words that were there stand in the header of the record.
type xlog struct {
	fs      *FS
	start   int64 // byte of the image
	sectors int64
	torn    bool // the last record is not whole

	window   []byte // of sectors, read last
	windowAt int64
}

func (f *FS) openLog() *xlog {
	start := int64(f.super.linear(f.super.logStart)) * f.super.blockSize
	return &xlog{fs: f, start: start, sectors: int64(f.super.logBlocks) * f.super.blockSize / sectorSize}
}

// place names a sector of the log for messages.
func (l *xlog) place(n int64) string { return fmt.Sprintf("log sector %d", n) }

// sector reads one sector of the log as it lies on the disk.
func (l *xlog) sector(n int64) ([]byte, error) {
	if at := n - l.windowAt; l.window != nil && at >= 0 && at*sectorSize < int64(len(l.window)) {
		return l.window[at*sectorSize:][:sectorSize], nil
	}
	first := n &^ (logWindow - 1)
	b := make([]byte, min(logWindow, l.sectors-first)*sectorSize)
	if err := l.fs.dev.raw(l.start+first*sectorSize, b); err != nil {
		return l.alone(n)
	}
	l.window, l.windowAt = b, first
	return b[(n-first)*sectorSize:][:sectorSize], nil
}

// alone reads a sector that has neighbours which cannot be read.
func (l *xlog) alone(n int64) ([]byte, error) {
	b := make([]byte, sectorSize)
	if err := l.fs.dev.raw(l.start+n*sectorSize, b); err != nil {
		return nil, &DamageError{Place: l.place(n), Err: err}
	}
	return b, nil
}

// read reads consecutive sectors, around the log's end where they lie so.
func (l *xlog) read(n, count int64) ([]byte, error) {
	b := make([]byte, count*sectorSize)
	for at := int64(0); at < count; {
		from := (n + at) % l.sectors
		part := min(count-at, l.sectors-from)
		if err := l.fs.dev.raw(l.start+from*sectorSize, b[at*sectorSize:(at+part)*sectorSize]); err != nil {
			return nil, &DamageError{Place: l.place(from), Err: err}
		}
		at += part
	}
	return b, nil
}

// cycle gives the turn in which a sector was written.
func (l *xlog) cycle(n int64) (uint32, error) {
	b, err := l.sector(n)
	if err != nil {
		return 0, err
	}
	return cycleOf(b), nil
}

// cycleOf reads a turn. A header begins with the magic, which no turn is, and has its turn behind it.
func cycleOf(b []byte) uint32 {
	be := binary.BigEndian
	if word := be.Uint32(b); word != logMagic {
		return word
	}
	return be.Uint32(b[4:])
}

// distance gives how many sectors the log has from one to another.
func (l *xlog) distance(from, to int64) int64 { return (to - from + l.sectors) % l.sectors }

// isHeader tells whether a record begins at a sector.
func (l *xlog) isHeader(n int64) (bool, error) {
	b, err := l.sector(n)
	return err == nil && binary.BigEndian.Uint32(b) == logMagic, err
}

// headerBefore gives the sector at which the last record before a sector begins, at most so many sectors back.
func (l *xlog) headerBefore(n, most int64) (at int64, found bool, err error) {
	for back := int64(1); back <= min(most, l.sectors); back++ {
		at = (n - back + l.sectors) % l.sectors
		if found, err = l.isHeader(at); found || err != nil {
			return at, found, err
		}
	}
	return 0, false, nil
}
