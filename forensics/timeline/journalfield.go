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
	shortField   = 512     // bytes
	maxPacked    = 1 << 20 // bytes of a compressed field that are looked at
	maxUnpacked  = 8 << 20 // bytes that a decompressor may hold
)

// field reads the data object at a place of the journal. One that is damaged is a problem and no field; an error is that
// the entries need more than a real journal's.
func (j *journalReader) field(at int64) (field, error) {
	if f, ok := j.fields[at]; ok {
		return f, nil
	}
	if j.left <= 0 {
		return field{}, fmt.Errorf("its entries read the journal's %d bytes again and again: they were read up to here", j.end)
	}
	f, err := j.readField(at)
	if err != nil {
		j.l.problem(j.log.name, fmt.Errorf("the field at byte %d: %w", at, err))
	}
	cost := 64 + len(f.name) + len(f.value)
	if j.cached += cost; j.cached > maxCached {
		clear(j.fields)
		j.cached = cost
	}
	j.fields[at] = f
	return f, nil
}

// readField reads the head of a field: most are short, and are whole with one read.
func (j *journalReader) readField(at int64) (field, error) {
	payload := int64(64)
	if j.compact {
		payload = 72
	}
	j.left -= shortField
	if at <= 0 || at > j.end-payload {
		return field{}, errors.New("it lies outside the journal")
	}
	b := make([]byte, min(shortField, j.end-at))
	if _, err := j.log.file.ReadAt(b, at); err != nil {
		return field{}, err
	}
	size := int64(binary.LittleEndian.Uint64(b[8:]))
	if b[0] != objectData || size < payload || size > j.end-at {
		return field{}, errors.New("there is no field")
	}
	switch flags := b[1]; {
	case flags&packedZstd != 0:
		j.left -= min(maxPacked, size)
		return j.unpacked(io.NewSectionReader(j.log.file, at+payload, size-payload))
	case flags&packedXZ != 0:
		return j.refuse("xz")
	case flags&packedLZ4 != 0:
		return j.refuse("lz4")
	case size <= int64(len(b)):
		return shownField(b[payload:size], size-payload), nil
	}
	j.left -= min(maxRead, size)
	b = make([]byte, min(maxRead, size-payload))
	if _, err := j.log.file.ReadAt(b, at+payload); err != nil {
		return field{}, err
	}
	return shownField(b, size-payload), nil
}

// refuse says once for each file that its fields are compressed as nothing here reads them. Only long fields are
// compressed, which are messages nearly always.
func (j *journalReader) refuse(how string) (field, error) {
	if !j.refused[how] {
		j.refused[how] = true
		j.l.problem(j.log.name, fmt.Errorf("fields that are compressed with %s are not read; their entries are in the timeline without them", how))
	}
	text := "(compressed with " + how + ", which is not read)"
	return field{"MESSAGE", text, int64(len(text))}, nil
}

// unpacked reads the head of a compressed field. How long it is stands at the head of a frame of zstd.
func (j *journalReader) unpacked(raw *io.SectionReader) (field, error) {
	b, err := j.packed.head(io.LimitReader(raw, maxPacked), maxRead)
	if err != nil && len(b) == 0 {
		return field{}, fmt.Errorf("decompress: %w", err)
	}
	length := int64(len(b))
	head := make([]byte, min(zstd.HeaderMaxSize, raw.Size()))
	if _, err := raw.ReadAt(head, 0); err != nil {
		return field{}, err
	}
	var frame zstd.Header
	if err := frame.Decode(head); err == nil && frame.HasFCS {
		length = max(length, int64(frame.FrameContentSize&(1<<62-1)))
	}
	return shownField(b, length), nil
}

// shownField takes a field apart, where it is one of those that are shown. b is the head of one that is so long.
func shownField(b []byte, length int64) field {
	name, value, ok := bytes.Cut(b, []byte("="))
	if !ok || len(name) > maxFieldName || !slices.Contains([]string{"MESSAGE", "_COMM", "_PID", "_SYSTEMD_UNIT", "SYSLOG_IDENTIFIER"}, string(name)) {
		return field{}
	}
	most := maxName
	if string(name) == "MESSAGE" {
		most = maxMessage
	}
	return field{string(name), string(value[:min(len(value), most)]), length - int64(len(name)) - 1}
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
