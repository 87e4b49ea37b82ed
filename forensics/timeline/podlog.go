package timeline

import (
	"encoding/json"
	"path"
	"strings"
	"time"

	"github.com/firebreak-ir/firebreak/forensics/containers"
)

const maxJSONLine = 256 << 10 // dockerd cuts at 16 KiB, which JSON may make six times as long

// part is a line of a container that its runtime cut, until its end comes.
type part struct {
	at   time.Time
	text []byte
	size int64
}

// parts joins the cut lines of a log, for each stream by itself.
type parts struct {
	l     *logReader
	about Event
	open  map[string]*part
}

func (l *logReader) parts(about Event, log *logFile) *parts {
	about.What, about.Source, about.File = "Log Entry Time", ContainerLog, "/"+log.name
	return &parts{l: l, about: about, open: map[string]*part{}}
}

// add takes a piece of a line of stdout or stderr. The time of a line is that of its first piece.
func (p *parts) add(stream string, at time.Time, text string, size int64, ended bool) error {
	now := p.open[stream]
	if now == nil {
		now = &part{at: at}
		p.open[stream] = now
	}
	now.size += size
	if room := maxMessage + 1 - len(now.text); room > 0 {
		now.text = append(now.text, text[:min(room, len(text))]...)
	}
	if !ended {
		return nil
	}
	return p.end(stream)
}

func (p *parts) end(stream string) error {
	now := p.open[stream]
	if now == nil {
		return nil
	}
	delete(p.open, stream)
	e := p.about
	e.Time = now.at
	e.Message = stream + ": " + whole(string(now.text), now.size)
	return p.l.give(&e)
}

// flush gives the lines whose ends are not in the log.
func (p *parts) flush() error {
	if err := p.end("stdout"); err != nil {
		return err
	}
	return p.end("stderr")
}

// podLog reads a container's log as CRI runtimes write it: time, stream, P for a line that goes on or F for its end, and
// the text.
func (l *logReader) podLog(about Event) func(log *logFile) error {
	return func(log *logFile) error {
		p := l.parts(about, log)
		err := log.eachLine(maxRead, func(line string, length int) error {
			at, stream, ended, text, ok := criLine(line)
			if !ok {
				l.report.Untimed++
				return nil
			}
			return p.add(stream, at, text, int64(len(text)+length-len(line)), ended)
		})
		if err != nil {
			return err
		}
		return p.flush()
	}
}

func criLine(line string) (at time.Time, stream string, ended bool, text string, ok bool) {
	stamp, rest, found := strings.Cut(line, " ")
	stream, rest, found2 := strings.Cut(rest, " ")
	tags, text, _ := strings.Cut(rest, " ")
	if !found || !found2 || stream != "stdout" && stream != "stderr" || len(stamp) > 40 {
		return at, "", false, "", false
	}
	at, err := time.Parse(time.RFC3339, stamp)
	tag, _, _ := strings.Cut(tags, ":")
	return at, stream, tag != "P", text, err == nil && (tag == "P" || tag == "F")
}

// dockerLog reads a container's log as Docker's json-file writes it: {"log":…,"stream":…,"time":…}. A line that goes on has
// no newline at its end.
func (l *logReader) dockerLog(about Event) func(log *logFile) error {
	return func(log *logFile) error {
		p := l.parts(about, log)
		err := log.eachLine(maxJSONLine, func(line string, _ int) error {
			var in struct {
				Log    string    `json:"log"`
				Stream string    `json:"stream"`
				Time   time.Time `json:"time"`
			}
			if err := json.Unmarshal([]byte(line), &in); err != nil || in.Time.IsZero() || in.Stream != "stdout" && in.Stream != "stderr" {
				l.report.Untimed++
				return nil //nolint:nilerr // it is counted, and the lines after it are read
			}
			text, ended := strings.CutSuffix(in.Log, "\n")
			return p.add(in.Stream, in.Time, text, int64(len(text)), ended)
		})
		if err != nil {
			return err
		}
		return p.flush()
	}
}

// logIDs gives the containers by the ends of the paths of their logs, as the runtime knows them: the disk may be mounted
// anywhere on its node.
func logIDs(all []containers.Container) map[string]string {
	out := map[string]string{}
	for _, c := range all {
		if c.Log != "" {
			out[logEnd(c.Log)] = c.ID
		}
	}
	return out
}

// logEnd gives pod, container and number of a log, of a rotated one those of its first.
func logEnd(p string) string {
	number, _, _ := strings.Cut(path.Base(p), ".log")
	dir := path.Dir(p)
	return path.Join(path.Base(path.Dir(dir)), path.Base(dir), number)
}
