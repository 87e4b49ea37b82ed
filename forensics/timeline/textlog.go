package timeline

import "time"

const maxRead = 16 << 10 // bytes of a line that are looked at

// textLog reads a log of lines that begin with a time. A line without one belongs to the line before it, and gets its
// time; before any, it has none.
func (l *logReader) textLog(source string, about Event) func(log *logFile) error {
	return func(log *logFile) error {
		c := l.clockOf(log)
		var last time.Time
		var lastNote string
		return log.eachLine(maxRead, func(line string, length int) error {
			if line == "" {
				return nil
			}
			at, rest, note, ok := c.stamp(line)
			switch {
			case ok:
				last, lastNote = at, note
			case last.IsZero():
				l.report.Untimed++
				return nil
			default:
				at, note = last, joinNotes(lastNote, "the time of the line before it")
			}
			e := about
			e.Time, e.What, e.Source, e.File, e.Note = at, "Log Entry Time", source, "/"+log.name, note
			e.Message = whole(rest, int64(len(rest)+length-len(line)))
			return l.give(&e)
		})
	}
}

// clockOf dates a log by its last modification. Whoever may write a log may set that time, but not the time of the inode's
// last change: a modification after it cannot be, and one long before it is said.
func (l *logReader) clockOf(log *logFile) clock {
	const day = 24 * time.Hour
	c := clock{zone: l.Zone, assumed: l.Zone == time.UTC, anchor: log.stat.Modified, by: "the log's last modification"}
	switch changed := log.stat.Changed; {
	case changed.IsZero():
	case c.anchor.After(changed.Add(day)):
		c.anchor, c.by = changed, "the last change of the log's inode"
	case c.anchor.Before(changed.Add(-180 * day)):
		c.by += ", which may have been set: its inode changed on " + changed.UTC().Format(time.DateOnly)
	}
	return c
}

func joinNotes(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}
