package timeline

import (
	"strconv"
	"time"
)

const (
	maxMessage = 4 << 10 // bytes of an attacker's text in one event
	maxPath    = 8 << 10
	maxName    = 512
)

// Event is something that happened at a time, or that somebody says did. All its words may be an attacker's.
type Event struct {
	Time     time.Time
	What     string // what the time is of, such as "Content Modification Time"
	Message  string
	Source   string // what says so; one of the constants
	File     string // on the disk: where the log lies that says so
	Path     string // on the disk: what it is about
	Inode    uint64
	SHA256   string
	MACB     string // for file systems: which of the four times, as mactime writes them
	Pod      string
	Space    string // the pod's namespace
	Holder   string // the container's name
	HolderID string
	Tags     []string
	Note     string // what to think of the time: that it is impossible, or how it was inferred
}

// The sources of events.
const (
	FileSystem   = "filesystem"
	Container    = "container"
	ContainerLog = "container log"
	Syslog       = "syslog"
	Journal      = "journal"
	Logins       = "logins"
	Audit        = "audit"
	History      = "shell history"
	NodeLog      = "node log"
	Responder    = "responder"
)

// TagResponder marks what the responder did himself, so that nobody takes it for the attacker's.
const TagResponder = "responder"

// TagJournalOnly marks what only the file system's journal knew.
const TagJournalOnly = "journal-only"

// appendJSON writes an event as Timesketch imports it: one JSON object and a newline. message, datetime (UTC, microseconds),
// timestamp (microseconds since 1970) and timestamp_desc are Timesketch's own; nanoseconds stands where datetime has lost
// some; the others are source, path, inode, sha256, macb, container, container_id, pod, namespace, log, time_note and tag.
// Those that say nothing are left out.
func (e *Event) appendJSON(dst []byte) []byte {
	dst = append(dst, `{"message":`...)
	dst = appendJSONText(dst, cut(e.Message, maxMessage), false)
	dst = append(dst, `,"datetime":"`...)
	dst = e.Time.UTC().AppendFormat(dst, "2006-01-02T15:04:05.000000")
	dst = append(dst, `+00:00","timestamp":`...)
	dst = strconv.AppendInt(dst, e.Time.UnixMicro(), 10)
	dst = appendText(dst, "timestamp_desc", e.What)
	if ns := e.Time.Nanosecond(); ns%1000 != 0 {
		dst = append(dst, `,"nanoseconds":`...)
		dst = strconv.AppendInt(dst, int64(ns), 10)
	}
	dst = appendText(dst, "source", e.Source)
	dst = appendPath(dst, "path", e.Path)
	if e.Inode != 0 {
		dst = append(dst, `,"inode":`...)
		dst = strconv.AppendUint(dst, e.Inode, 10)
	}
	dst = appendText(dst, "sha256", e.SHA256)
	dst = appendText(dst, "macb", e.MACB)
	dst = appendText(dst, "container", e.Holder)
	dst = appendText(dst, "container_id", e.HolderID)
	dst = appendText(dst, "pod", e.Pod)
	dst = appendText(dst, "namespace", e.Space)
	dst = appendPath(dst, "log", e.File)
	dst = appendText(dst, "time_note", e.Note)
	dst = appendTags(dst, e.Tags)
	return append(dst, "}\n"...)
}

func appendText(dst []byte, field, s string) []byte {
	if s == "" {
		return dst
	}
	dst = append(dst, ',', '"')
	dst = append(dst, field...)
	dst = append(dst, '"', ':')
	return appendJSONText(dst, cut(s, maxName), false)
}

func appendPath(dst []byte, field, p string) []byte {
	if p == "" {
		return dst
	}
	dst = append(dst, ',', '"')
	dst = append(dst, field...)
	dst = append(dst, '"', ':')
	return appendJSONText(dst, cut(p, maxPath), true)
}

func appendTags(dst []byte, tags []string) []byte {
	if len(tags) == 0 {
		return dst
	}
	dst = append(dst, `,"tag":[`...)
	for i, tag := range tags {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendJSONText(dst, cut(tag, maxName), false)
	}
	return append(dst, ']')
}

// addNote adds to what there is to think of the time.
func (e *Event) addNote(note string) {
	if e.Note != "" {
		note = e.Note + "; " + note
	}
	e.Note = note
}

// plausible notes what makes a time impossible; one that no date can be written for becomes 1970. taken is when the disk was
// taken: a day after it is granted to clocks and zones. Zero leaves that out.
func (e *Event) plausible(taken time.Time) {
	at := e.Time.UTC()
	switch {
	case at.Year() < 1 || at.Year() > 9999:
		e.addNote("impossible: " + strconv.FormatInt(at.Unix(), 10) + " s since 1970")
		e.Time = time.Unix(0, 0)
	case at.Unix() < 0:
		e.addNote("impossible: before 1970")
	case !taken.IsZero() && at.After(taken.Add(24*time.Hour)):
		e.addNote("impossible: after the disk was taken")
	}
}
