package timeline

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"

	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// Sizes of a record of utmp(5), in bytes: with times of 32 bits, as on x86, and with those of 64, as on ARM.
const (
	utmpShort    = 384
	utmpLong     = 400
	lastlogShort = 292
	lastlogLong  = 296
)

// utmpRecord is what utmp(5) keeps of a login.
type utmpRecord struct {
	kind           int16
	pid            int32
	line, id       string
	user, host     string
	seconds, micro int64
	address        netip.Addr
}

// parseUtmp reads one record.
func parseUtmp(b []byte) utmpRecord {
	le := binary.LittleEndian
	r := utmpRecord{
		kind: int16(le.Uint16(b)), pid: int32(le.Uint32(b[4:])), line: text(b[8:40]), id: text(b[40:44]), user: text(b[44:76]), host: text(b[76:332]),
	}
	address := b[348:364]
	if len(b) == utmpLong {
		r.seconds, r.micro, address = int64(le.Uint64(b[344:])), int64(le.Uint64(b[352:])), b[360:376]
	} else {
		r.seconds, r.micro = int64(int32(le.Uint32(b[340:]))), int64(int32(le.Uint32(b[344:])))
	}
	r.address = addressOf(address)
	return r
}

func addressOf(b []byte) netip.Addr {
	if bytes.Equal(b[4:], make([]byte, 12)) {
		if bytes.Equal(b[:4], make([]byte, 4)) {
			return netip.Addr{}
		}
		return netip.AddrFrom4([4]byte(b))
	}
	return netip.AddrFrom16([16]byte(b))
}

// text gives a field up to its first zero byte.
func text(b []byte) string {
	if end := bytes.IndexByte(b, 0); end >= 0 {
		b = b[:end]
	}
	return string(b)
}

// what says what a record is of; utmp(5) has the numbers.
func (r *utmpRecord) what(failed bool) string {
	switch {
	case failed:
		return "failed login"
	case r.kind == 1:
		return "change of runlevel"
	case r.kind == 2:
		return "boot"
	case r.kind == 3:
		return "clock set, to"
	case r.kind == 4:
		return "clock set, from"
	case r.kind == 5:
		return "process of init"
	case r.kind == 6:
		return "login process"
	case r.kind == 7:
		return "login"
	case r.kind == 8:
		return "logout"
	}
	return fmt.Sprintf("record of type %d", r.kind)
}

// logins reads wtmp, or btmp, which has the logins that failed.
func (l *logReader) logins(failed bool) func(log *logFile) error {
	return func(log *logFile) error {
		size := utmpShort
		if n := log.stat.Size; n%utmpShort != 0 && n%utmpLong == 0 {
			size = utmpLong
		}
		return l.records(log, size, func(b []byte) error {
			r := parseUtmp(b)
			if r.kind == 0 && r.seconds == 0 {
				return nil
			}
			e := Event{Time: unixMicro(r.seconds, r.micro), What: "Login Record Time", Source: Logins, File: "/" + log.name}
			e.Message = fmt.Sprintf("%s of %q on %q from %q, pid %d", r.what(failed), r.user, r.line, r.host, r.pid)
			if r.address.IsValid() {
				e.Message += ", address " + r.address.String()
			}
			return l.give(&e)
		})
	}
}

// unixMicro keeps a record's microseconds within their second.
func unixMicro(seconds, micro int64) time.Time {
	if micro < 0 || micro > 999_999 {
		micro = 0
	}
	return time.Unix(seconds, micro*1000)
}

// records hands each record of a log to do.
func (l *logReader) records(log *logFile, size int, do func(b []byte) error) error {
	b := make([]byte, size)
	if log.partly { // the rest begins in the middle of a record
		if _, err := log.r.Discard(int(log.counter.left % int64(size))); err != nil {
			return err
		}
	}
	for {
		_, err := io.ReadFull(log.r, b)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read records of %d bytes: %w", size, err)
		}
		if err := do(b); err != nil {
			return err
		}
	}
}

// lastLogins reads lastlog, which has a record for each user id. It is mostly holes, so that only what is written is read.
func (l *logReader) lastLogins(log *logFile) error {
	size := lastlogShort
	if n := log.stat.Size; n%lastlogShort != 0 && n%lastlogLong == 0 {
		size = lastlogLong
	}
	head := size - 288 // the time
	b := make([]byte, size)
	return l.written(log, func(from, to int64) error {
		for id := from / int64(size); id*int64(size) < to; id++ {
			if _, err := log.file.ReadAt(b, id*int64(size)); err != nil {
				return fmt.Errorf("read the record of user id %d: %w", id, err)
			}
			seconds := int64(int32(binary.LittleEndian.Uint32(b)))
			if head == 8 {
				seconds = int64(binary.LittleEndian.Uint64(b))
			}
			if seconds == 0 {
				continue
			}
			e := Event{Time: time.Unix(seconds, 0), What: "Last Login Time", Source: Logins, File: "/" + log.name}
			e.Message = fmt.Sprintf("last login of user id %d on %q from %q", id, text(b[head:head+32]), text(b[head+32:]))
			if err := l.give(&e); err != nil {
				return err
			}
		}
		return nil
	})
}

// written gives the stretches of a log that hold bytes.
func (l *logReader) written(log *logFile, do func(from, to int64) error) error {
	disk, ok := l.disk.(volume.FS)
	if !ok {
		return do(0, min(log.stat.Size, l.MaxFileBytes))
	}
	info, err := l.disk.Lstat(log.name)
	if err != nil {
		return err
	}
	extents, err := disk.Extents(info, 1<<16)
	if err != nil {
		return err
	}
	if len(extents) == 0 { // in its inode
		return do(0, min(log.stat.Size, l.MaxFileBytes))
	}
	left := l.MaxFileBytes
	for _, e := range extents {
		if left -= e.Length; left < 0 {
			return fmt.Errorf("only %d bytes were read", l.MaxFileBytes)
		}
		if err := do(e.Logical, min(e.Logical+e.Length, log.stat.Size)); err != nil {
			return err
		}
	}
	return nil
}
