package xfs

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

const (
	maxHeaders = maxRecord / maxRecord1 // sectors of one record's header
	logLittle  = 1                      // the format of logs of machines such as ours
)

// header is the head of a record.
type header struct {
	at         int64 // sector of the log
	cycle      uint32
	length     int64  // bytes behind the header
	lsn, tail  uint64 // turn and sector as one number that grows: of the record, and of the oldest that is still needed
	sum        uint32
	operations uint32
	format     uint32
	uuid       [16]byte
	headers    int64 // sectors that the header takes
}

// sectors gives how much of the log the record takes.
func (h *header) sectors() int64 { return h.headers + (h.length+sectorSize-1)/sectorSize }

// parseHeader reads the head of a record and refuses numbers that no real one has.
func (l *xlog) parseHeader(at int64, b []byte) (header, error) {
	be := binary.BigEndian
	h := header{
		at: at, cycle: be.Uint32(b[4:]), length: int64(be.Uint32(b[12:])), lsn: be.Uint64(b[16:]), tail: be.Uint64(b[24:]),
		sum: binary.LittleEndian.Uint32(b[32:]), operations: be.Uint32(b[40:]), format: be.Uint32(b[300:]), headers: 1,
	}
	copy(h.uuid[:], b[304:320])
	version, size := be.Uint32(b[8:]), int64(be.Uint32(b[320:]))
	switch {
	case be.Uint32(b) != logMagic:
		return h, damaged(l.place(at), "no record begins here")
	case version == 0 || version&^3 != 0:
		return h, damaged(l.place(at), "a record of version %#x", version)
	case h.length > l.maxRecord() || size > l.maxRecord():
		return h, damaged(l.place(at), "a record of %d bytes with room for %d", h.length, size)
	}
	if version&2 != 0 && l.fs.super.logV2() && size > maxRecord1 {
		h.headers = (size + maxRecord1 - 1) / maxRecord1
	}
	if h.sectors() > l.sectors || h.length > h.headers*maxRecord1 {
		return h, damaged(l.place(at), "a record of %d bytes behind a header of %d sectors", h.length, h.headers)
	}
	return h, nil
}

// record reads a whole record: its header, and its bytes as they were before the turns were written into them.
func (l *xlog) record(at int64) (header, []byte, error) {
	b, err := l.sector(at)
	if err != nil {
		return header{}, nil, err
	}
	h, err := l.parseHeader(at, b)
	if err != nil {
		return h, nil, err
	}
	all, err := l.read(at, h.sectors())
	if err != nil {
		return h, nil, err
	}
	if err := l.checkRecord(&h, all); err != nil {
		return h, nil, &DamageError{Place: l.place(at), Err: err}
	}
	return h, unpack(&h, all), nil
}

// errTorn is a record whose checksum is wrong: at the log's end it is one that was on its way.
var errTorn = errors.New("the record's checksum is wrong")

// checkRecord verifies a record's checksum. On version 4 zero stands for none; the kernel warns of a wrong one there and
// replays the record.
func (l *xlog) checkRecord(h *header, all []byte) error {
	if h.sum == 0 && !l.fs.super.checksums() {
		return nil
	}
	for _, size := range []int{328, 324} { // on other machines the header is four bytes shorter
		if recordSum(h, all, size) == h.sum {
			return nil
		}
	}
	if !l.fs.super.checksums() {
		l.fs.noteOnce(&DamageError{Place: l.place(h.at), Err: errTorn})
		return nil
	}
	return errTorn
}

// recordSum is CRC-32C over the used parts of the header, with its own field taken for zeros, and over the bytes.
func recordSum(h *header, all []byte, size int) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	sum := crc32c(all[:size], 32)
	for i := int64(1); i < h.headers; i++ {
		sum = crc32.Update(sum, table, all[i*sectorSize:][:cycleSize+cyclesInHead*4])
	}
	return crc32.Update(sum, table, all[h.headers*sectorSize:][:h.length])
}

// unpack puts the words back that the turns were written over. The first 64 stand in the header, each sector of it that
// follows has as many.
func unpack(h *header, all []byte) []byte {
	data := all[h.headers*sectorSize:]
	for n := int64(0); n*sectorSize < h.length; n++ {
		words := all[44:]
		if n >= cyclesInHead {
			words = all[n/cyclesInHead*sectorSize+cycleSize:]
		}
		copy(data[n*sectorSize:][:4], words[n%cyclesInHead*4:][:4])
	}
	return data[:h.length]
}

// eachRecord calls do for each record from a sector up to another. On damage it gives the sector at which the record
// begins that is damaged, or is not where it must be.
func (l *xlog) eachRecord(from, to int64, do func(h *header, data []byte) error) (bad int64, err error) {
	left := l.distance(from, to)
	for at := from; left > 0; {
		h, data, err := l.record(at)
		if err != nil {
			return at, err
		}
		if h.sectors() > left {
			return at, damaged(l.place(at), "a record of %d sectors, %d are left of the log", h.sectors(), left)
		}
		if err := do(&h, data); err != nil {
			return at, fmt.Errorf("%s: %w", l.place(at), err)
		}
		left, at = left-h.sectors(), (at+h.sectors())%l.sectors
	}
	return 0, nil
}
