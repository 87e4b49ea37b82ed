package timeline

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

// Numbers of the journal file format (systemd, JOURNAL_FILE_FORMAT).
const (
	journalMark    = "LPKSHHRH"
	journalCompact = 16 // incompatible flag: offsets of 32 bits

	objectData  = 1
	objectEntry = 3
	objectArray = 6

	packedXZ   = 1
	packedLZ4  = 2
	packedZstd = 4

	entryHead    = 64
	maxItems     = 1024    // fields of one entry that are looked at
	maxCached    = 8 << 20 // bytes of fields that are remembered
	maxObject    = 1 << 30
	minHeader    = 208
	journalAlign = 8
)

// journalReader reads a systemd journal: every entry of the file, in the order in which they were written.
type journalReader struct {
	l       *logReader
	log     *logFile
	r       io.ReaderAt // one object after another
	end     int64
	compact bool
	fields  map[int64]field // of data objects, which entries share
	cached  int             // bytes of them
	left    int64           // bytes of fields that may still be read: what a journal's entries need is bounded by its size
	packed  unpacker
	refused map[string]bool  // ways of compression that were met and are not read
	shown   map[string]field // of the entry that is read
	buf     []byte
}

// field is one field of an entry. One that is not shown has no name.
type field struct {
	name, value string
	length      int64 // of the whole value
}

// journal reads a journal file object by object. Behind a damaged object, what the file's own lists of entries lead to is
// read.
func (l *logReader) journal(log *logFile) error {
	j := &journalReader{l: l, log: log, r: &window{r: log.file}, fields: map[int64]field{}, refused: map[string]bool{}, shown: map[string]field{}}
	defer j.packed.close()
	header := make([]byte, minHeader)
	if _, err := log.file.ReadAt(header, 0); err != nil {
		return fmt.Errorf("read the journal's header: %w", err)
	}
	if string(header[:8]) != journalMark {
		return errors.New("it is no systemd journal")
	}
	le := binary.LittleEndian
	j.compact = le.Uint32(header[12:])&journalCompact != 0
	begin, arena := le.Uint64(header[88:]), le.Uint64(header[96:])
	if begin < minHeader || begin > 1<<20 || arena > 1<<62 {
		return fmt.Errorf("the journal's header is damaged: %d bytes of it, and %d of objects", begin, arena)
	}
	j.end = min(log.stat.Size, int64(begin+arena))
	if j.end > l.MaxFileBytes {
		j.end = l.MaxFileBytes
		l.problem(log.name, fmt.Errorf("of %d bytes the first %d were read", log.stat.Size, j.end))
	}
	log.counter.read += j.end
	j.left = 8*j.end + 1<<20
	at, err := j.scan(int64(begin))
	if err == nil {
		return nil
	}
	if fatal := l.sort(log.name, err); fatal != nil {
		return failure{fatal}
	}
	return j.arrays(int64(le.Uint64(header[176:])), at)
}

// scan reads objects one after another. It gives the place of one that is damaged.
func (j *journalReader) scan(at int64) (int64, error) {
	head := make([]byte, 16)
	for n := 0; at+16 <= j.end; n++ {
		if n%4096 == 0 && j.l.ctx.Err() != nil {
			return at, j.l.ctx.Err()
		}
		if _, err := j.r.ReadAt(head, at); err != nil {
			return at, fmt.Errorf("read the object at byte %d: %w", at, err)
		}
		size := binary.LittleEndian.Uint64(head[8:])
		if head[0] == 0 && size == 0 { // room that is not used yet
			return at, nil
		}
		if size < 16 || size > maxObject || int64(size) > j.end-at {
			return at, fmt.Errorf("the object at byte %d says that it has %d bytes", at, size)
		}
		if head[0] == objectEntry {
			if err := j.entry(at, int64(size)); err != nil {
				return at, err
			}
		}
		at += (int64(size) + journalAlign - 1) &^ (journalAlign - 1)
	}
	return at, nil
}

// arrays reads the entries behind a place that the file's lists of entries lead to. Lists lie one behind the other.
func (j *journalReader) arrays(at, behind int64) error {
	width := 8
	if j.compact {
		width = 4
	}
	for last := int64(0); at > last && at+24 <= j.end; {
		head := make([]byte, 24)
		if _, err := j.r.ReadAt(head, at); err != nil {
			return fmt.Errorf("read the list of entries at byte %d: %w", at, err)
		}
		size := int64(binary.LittleEndian.Uint64(head[8:]))
		if head[0] != objectArray || size < 24 || size > maxObject || size > j.end-at {
			return fmt.Errorf("there is no list of entries at byte %d", at)
		}
		var err error
		if behind, err = j.list(io.NewSectionReader(j.r, at+24, size-24), width, behind); err != nil {
			return err
		}
		last, at = at, int64(binary.LittleEndian.Uint64(head[16:]))
	}
	return nil
}

// list reads the entries of one list, and gives the end of the last one. Entries ascend and lie in no other.
func (j *journalReader) list(r io.Reader, width int, behind int64) (int64, error) {
	item, head := make([]byte, width), make([]byte, 16)
	r = bufio.NewReader(r)
	for n := 0; ; n++ {
		if _, err := io.ReadFull(r, item); err != nil {
			return behind, nil //nolint:nilerr // the list ends; a last item that is cut is none
		}
		at := j.number(item)
		if at == 0 || n%4096 == 0 && j.l.ctx.Err() != nil {
			return behind, j.l.ctx.Err()
		}
		if at <= behind || at > j.end-entryHead {
			continue
		}
		if _, err := j.r.ReadAt(head, at); err != nil {
			return behind, fmt.Errorf("read the entry at byte %d: %w", at, err)
		}
		size := int64(binary.LittleEndian.Uint64(head[8:]))
		if head[0] != objectEntry || size < entryHead || size > j.end-at {
			j.l.problem(j.log.name, fmt.Errorf("there is no entry at byte %d", at))
			continue
		}
		if err := j.entry(at, size); err != nil {
			return behind, err
		}
		behind = at + size - 1
	}
}

// number reads an offset. One that no file has is where nothing lies.
func (j *journalReader) number(b []byte) int64 {
	if j.compact {
		return int64(binary.LittleEndian.Uint32(b))
	}
	return int64(binary.LittleEndian.Uint64(b) & (1<<63 - 1))
}

// entry reads one entry with the fields that are shown.
func (j *journalReader) entry(at, size int64) error {
	if size < entryHead {
		return fmt.Errorf("the entry at byte %d has %d bytes", at, size)
	}
	width := int64(16)
	if j.compact {
		width = 4
	}
	size = min(size, entryHead+maxItems*width)
	if int64(cap(j.buf)) < size {
		j.buf = make([]byte, size)
	}
	b := j.buf[:size]
	if _, err := j.r.ReadAt(b, at); err != nil {
		return fmt.Errorf("read the entry at byte %d: %w", at, err)
	}
	clear(j.shown)
	for items := b[entryHead:]; int64(len(items)) >= width; items = items[width:] {
		f, err := j.field(j.number(items))
		if err != nil {
			return err
		}
		if f.name != "" {
			j.shown[f.name] = f
		}
	}
	micros := binary.LittleEndian.Uint64(b[24:])
	e := Event{Time: time.UnixMicro(int64(micros & (1<<63 - 1))), What: "Log Entry Time", Source: Journal, File: "/" + j.log.name}
	e.Message = journalMessage(j.shown)
	return j.l.give(&e)
}

func journalMessage(f map[string]field) string {
	who := f["SYSLOG_IDENTIFIER"].value
	if who == "" {
		who = f["_COMM"].value
	} else if comm := f["_COMM"].value; comm != "" && comm != who {
		who += " (" + comm + ")"
	}
	if pid := f["_PID"].value; pid != "" {
		who += "[" + pid + "]"
	}
	if unit := f["_SYSTEMD_UNIT"].value; unit != "" {
		who = unit + " " + who
	}
	said := f["MESSAGE"]
	out := who + ": " + said.value
	return whole(out, int64(len(out)-len(said.value))+said.length)
}
