package timeline

import (
	"strconv"
	"strings"
	"time"
)

// clock turns the times that logs write into moments.
type clock struct {
	zone    *time.Location
	assumed bool      // the disk does not say its zone
	anchor  time.Time // no time of the log is much later
	by      string    // what the anchor is
}

// stamp takes the time off the head of a line: that of syslog in its classical form, of RFC 3339 (also after the
// priority and version of RFC 5424), of klog, logfmt and the kernel's audit.
func (c clock) stamp(line string) (at time.Time, rest, note string, ok bool) {
	line = priority(line)
	for _, try := range []func(string) (time.Time, string, string, bool){c.rfc3339, c.classical, c.klog, c.logfmt, c.audit} {
		if at, rest, note, ok = try(line); ok {
			return at, rest, note, true
		}
	}
	return time.Time{}, line, "", false
}

// priority takes <13> and the version 1 after it off a line.
func priority(line string) string {
	if !strings.HasPrefix(line, "<") {
		return line
	}
	end := strings.IndexByte(line[:min(len(line), 5)], '>')
	if end < 2 {
		return line
	}
	if _, err := strconv.Atoi(line[1:end]); err != nil {
		return line
	}
	return strings.TrimPrefix(line[end+1:], "1 ")
}

// rfc3339 reads 2006-01-02T15:04:05 with or without a fraction and a zone, and with a space in the place of T.
func (c clock) rfc3339(line string) (at time.Time, rest, note string, ok bool) {
	const date = len("2006-01-02T")
	if len(line) < date+8 || line[4] != '-' || line[7] != '-' || line[10] != 'T' && line[10] != ' ' {
		return at, "", "", false
	}
	end := strings.IndexByte(line[date:], ' ')
	if end < 0 {
		end = len(line) - date
	}
	clockTime := strings.TrimRight(line[date:date+end], ":,")
	text := line[:10] + "T" + clockTime
	rest = strings.TrimLeft(line[date+end:], " ")
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05Z0700"} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, rest, "", true
		}
	}
	at, err := time.ParseInLocation("2006-01-02T15:04:05", text, c.zone)
	return at, rest, c.zoneNote(), err == nil
}

// classical reads Jan _2 15:04:05, as RFC 3164 has it.
func (c clock) classical(line string) (at time.Time, rest, note string, ok bool) {
	const layout = "Jan _2 15:04:05"
	if len(line) < len(layout) {
		return at, "", "", false
	}
	read, err := time.Parse(layout, line[:len(layout)])
	if err != nil {
		return at, "", "", false
	}
	at, note = c.year(read)
	return at, strings.TrimLeft(line[len(layout):], " "), note, true
}

// klog reads I0102 15:04:05.000000, as Kubernetes' own programs write it.
func (c clock) klog(line string) (at time.Time, rest, note string, ok bool) {
	const layout = "0102 15:04:05.000000"
	if len(line) <= len(layout) || !strings.ContainsRune("IWEF", rune(line[0])) {
		return at, "", "", false
	}
	read, err := time.Parse(layout, line[1:1+len(layout)])
	if err != nil {
		return at, "", "", false
	}
	at, note = c.year(read)
	return at, line[:1] + " " + strings.TrimLeft(line[1+len(layout):], " "), note, true
}

// year gives a time that has none the latest year in which it is not after the anchor; a day is granted to zones. A log that spans more than a year is dated too late.
func (c clock) year(read time.Time) (time.Time, string) {
	limit := c.anchor.Add(24 * time.Hour).In(c.zone)
	for y := limit.Year(); y > limit.Year()-9; y-- { // eight years may lie between two of February 29
		at := time.Date(y, read.Month(), read.Day(), read.Hour(), read.Minute(), read.Second(), read.Nanosecond(), c.zone)
		if at.Day() == read.Day() && !at.After(limit) {
			return at, "year inferred from " + c.by + ", " + c.zoneNote()
		}
	}
	return read, "impossible: a day that no year near " + c.by + " has" // year 0
}

func (c clock) zoneNote() string {
	if c.assumed {
		return "zone " + c.zone.String() + " assumed"
	}
	return "zone " + c.zone.String()
}

// logfmt reads time="2006-01-02T15:04:05Z" level=…, as containerd and dockerd write it.
func (c clock) logfmt(line string) (at time.Time, rest, note string, ok bool) {
	value, found := strings.CutPrefix(line, `time="`)
	if !found {
		return at, "", "", false
	}
	text, rest, found := strings.Cut(value, `"`)
	if !found || len(text) > 40 {
		return at, "", "", false
	}
	at, err := time.Parse(time.RFC3339, text)
	return at, strings.TrimLeft(rest, " "), "", err == nil
}

// audit reads type=… msg=audit(1700000000.123:456): of the kernel's audit log.
func (c clock) audit(line string) (at time.Time, rest, note string, ok bool) {
	const mark = "msg=audit("
	head := line[:min(len(line), 200)]
	begin := strings.Index(head, mark)
	if begin < 0 || !strings.HasPrefix(head, "type=") && !strings.HasPrefix(head, "node=") {
		return at, "", "", false
	}
	text, _, found := strings.Cut(head[begin+len(mark):], ":")
	whole, fraction, _ := strings.Cut(text, ".")
	seconds, err := strconv.ParseInt(whole, 10, 64)
	if !found || err != nil {
		return at, "", "", false
	}
	millis, err := strconv.ParseUint(fraction, 10, 16)
	if err != nil || len(fraction) != 3 {
		return at, "", "", false
	}
	return time.Unix(seconds, int64(millis)*1e6), line, "", true
}
