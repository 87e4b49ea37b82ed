package timeline

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/klauspost/compress/zstd"
)

const (
	maxFieldName = 64
	maxPacked    = 1 << 20 // bytes of a compressed field that are looked at
	maxUnpacked  = 8 << 20 // bytes that a decompressor may hold
)

// field reads the data object at a place of the journal.
func (j *journalReader) field(at int64) field {
	if f, ok := j.fields[at]; ok {
		return f
	}
	f, err := j.readField(at)
	if err != nil {
		j.l.problem(j.log.name, fmt.Errorf("the field at byte %d: %w", at, err))
	}
	if len(j.fields) >= maxCached {
		clear(j.fields)
	}
	j.fields[at] = f
	return f
}

func (j *journalReader) readField(at int64) (field, error) {
	payload := int64(64)
	if j.compact {
		payload = 72
	}
	if at <= 0 || at > j.end-payload {
		return field{}, errors.New("it lies outside the journal")
	}
	head := make([]byte, 16)
	if _, err := j.r.ReadAt(head, at); err != nil {
		return field{}, err
	}
	size := int64(binary.LittleEndian.Uint64(head[8:]))
	if head[0] != objectData || size < payload || size > j.end-at {
		return field{}, errors.New("there is no field")
	}
	raw := io.NewSectionReader(j.r, at+payload, size-payload)
	switch flags := head[1]; {
	case flags&packedZstd != 0:
		return j.unpacked(raw)
	case flags&packedXZ != 0:
		return j.refuse("xz")
	case flags&packedLZ4 != 0:
		return j.refuse("lz4")
	}
	b := make([]byte, min(maxRead, raw.Size()))
	if _, err := io.ReadFull(raw, b); err != nil {
		return field{}, err
	}
	return shownField(b, int(raw.Size())-len(b)), nil
}

// refuse says once for each file that its fields are compressed as nothing here reads them. Only long fields are
// compressed, which are messages nearly always.
func (j *journalReader) refuse(how string) (field, error) {
	if !j.refused[how] {
		j.refused[how] = true
		j.l.problem(j.log.name, fmt.Errorf("fields that are compressed with %s are not read; their entries are in the timeline without them", how))
	}
	return field{"MESSAGE", "(compressed with " + how + ", which is not read)"}, nil
}

func (j *journalReader) unpacked(raw io.Reader) (field, error) {
	b, err := j.packed.head(io.LimitReader(raw, maxPacked), maxRead)
	if err != nil && len(b) == 0 {
		return field{}, fmt.Errorf("decompress: %w", err)
	}
	missing := 0
	if len(b) == maxRead {
		missing = 1
	}
	return shownField(b, missing), nil
}

// shownField takes a field apart, where it is one of those that are shown.
func shownField(b []byte, missing int) field {
	name, value, ok := bytes.Cut(b, []byte("="))
	if !ok || len(name) > maxFieldName || !slices.Contains([]string{"MESSAGE", "_COMM", "_PID", "_SYSTEMD_UNIT", "SYSLOG_IDENTIFIER"}, string(name)) {
		return field{}
	}
	return field{string(name), whole(string(value), missing)}
}

// unpacker decompresses the heads of zstd frames.
type unpacker struct{ zstd *zstd.Decoder }

func (u *unpacker) head(r io.Reader, most int) ([]byte, error) {
	var err error
	if u.zstd == nil {
		u.zstd, err = zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxUnpacked), zstd.WithDecoderMaxWindow(maxUnpacked), zstd.WithDecoderLowmem(true))
	} else {
		err = u.zstd.Reset(r)
	}
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(u.zstd, int64(most)))
}

func (u *unpacker) close() {
	if u.zstd != nil {
		u.zstd.Close()
	}
}
