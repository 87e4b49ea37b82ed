package timeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/firebreak-ir/firebreak/forensics/containers"
	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// LogOptions say where logs are looked for and how much of them is read. The zero value looks at the usual places.
type LogOptions struct {
	// Listing is what containers.List found: Docker's logs and the shell histories in containers' own layers are found with it.
	Listing containers.Listing
	// Zone is that of logs which name none; nil takes the disk's own /etc/localtime, and UTC where there is none.
	Zone *time.Location
	// MaxFileBytes bounds what is read of one log; of a longer one the end is read, of a compressed one the beginning. Zero
	// means 1 GiB.
	MaxFileBytes int64
	// MaxBytes bounds what is read of all of them; zero means 32 GiB.
	MaxBytes int64
	// MaxFiles bounds how many are read; zero means 20,000.
	MaxFiles int
	// MaxTimeline bounds what the logs may take of the timeline, in bytes, and a single one an eighth of it; zero means
	// 16 GiB. Short lines, and entries that share their text, take more there than in their logs.
	MaxTimeline int64
	// Progress is told how many files and bytes were read; nil for nobody.
	Progress func(files int, bytes int64)
}

// LogReport says what was read, and what was not.
type LogReport struct {
	Files    int      `json:"files"`
	Bytes    int64    `json:"bytes"`                  // read, after decompression
	Events   int64    `json:"events"`                 // before the filter
	Untimed  int64    `json:"untimed"`                // lines without a time of their own and none before them: in no timeline
	Zone     string   `json:"zone"`                   // taken for logs that name none, and why
	Problems []string `json:"problems,omitempty"`     // inert: what would move a cursor is \xNN
	More     int      `json:"moreProblems,omitempty"` // that did not fit in the list
}

const (
	maxProblems = 1000
	eventCost   = 512 // bytes of the timeline that an event takes beside its text, about
)

// logReader reads the logs of one disk.
type logReader struct {
	LogOptions

	ctx    context.Context
	disk   volume.Tree
	emit   func(*Event) error
	report LogReport
	taken  int64             // bytes of the timeline
	most   int64             // taken, where the log that is read has to end
	seen   map[uint64]bool   // inodes that were read, under another path perhaps
	ids    map[string]string // of containers, by the places of their logs
}

// AddLogs takes the events of all logs of a file system that are at their usual places: of pods and Docker's containers, syslog in its
// classical form and that of RFC 5424, the systemd journal, wtmp, btmp and lastlog, the audit log, those of kubelet and
// containerd, and shell histories that hold times. What cannot be read is in the report; an error is the context's or the scratch
// directory's.
func (t *Timeline) AddLogs(ctx context.Context, disk volume.Tree, opts LogOptions) (LogReport, error) {
	opts.MaxFileBytes = cmp.Or(max(opts.MaxFileBytes, 0), 1<<30)
	opts.MaxBytes = cmp.Or(max(opts.MaxBytes, 0), 32<<30)
	opts.MaxFiles = cmp.Or(max(opts.MaxFiles, 0), 20_000)
	opts.MaxTimeline = cmp.Or(max(opts.MaxTimeline, 0), 16<<30)
	l := &logReader{LogOptions: opts, ctx: ctx, disk: disk, seen: map[uint64]bool{}, ids: logIDs(opts.Listing.Containers)}
	l.emit = func(e *Event) error {
		l.report.Events++
		return t.add(e)
	}
	l.findZone()
	err := l.all()
	return l.report, cmp.Or(err, ctx.Err())
}

func (l *logReader) problem(place string, err error) {
	if len(l.report.Problems) == maxProblems {
		l.report.More++
		return
	}
	l.report.Problems = append(l.report.Problems, inert(cut(place, maxPath))+": "+inert(cut(err.Error(), maxName)))
}

// list gives a directory's entries in the order of names; one that is not there has none.
func (l *logReader) list(dir string) []fs.DirEntry {
	if l.ctx.Err() != nil { // file says so
		return nil
	}
	entries, err := l.disk.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		l.problem(dir, err)
	}
	return entries
}

var errEnough = errors.New("as many logs were read as are granted")

// file opens a log and hands it to read. Devices, pipes and links are none.
func (l *logReader) file(name string, read func(log *logFile) error) error {
	if err := l.ctx.Err(); err != nil {
		return err
	}
	info, err := l.disk.Lstat(name)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			l.problem(name, err)
		}
		return nil
	}
	stat, ok := volume.StatOf(info)
	if !ok || !info.Mode().IsRegular() || info.Size() == 0 || l.seen[stat.Inode] {
		return nil
	}
	if l.report.Files == l.MaxFiles || l.report.Bytes >= l.MaxBytes || l.taken >= l.MaxTimeline {
		l.problem(name, fmt.Errorf("neither this log nor those after it were read: %d files and %d bytes were", l.report.Files, l.report.Bytes))
		return errEnough
	}
	l.seen[stat.Inode] = true
	l.most = min(l.taken+l.MaxTimeline/8, l.MaxTimeline)
	log, err := l.open(name, info, stat)
	if err != nil {
		l.problem(name, err)
		return nil
	}
	defer log.close()
	l.report.Files++
	err = read(log)
	l.report.Bytes += log.counted()
	if l.Progress != nil {
		l.Progress(l.report.Files, l.report.Bytes)
	}
	return l.sort(name, err)
}

// failure is of this machine: it ends the work, as damage of the disk does not.
type failure struct{ err error }

func (f failure) Error() string { return f.err.Error() }
func (f failure) Unwrap() error { return f.err }

// give hands an event on.
func (l *logReader) give(e *Event) error {
	if l.taken += eventCost + int64(len(e.Message)); l.taken > l.most {
		return fmt.Errorf("it gave %d bytes of the timeline, and was read up to there", l.MaxTimeline/8)
	}
	if err := l.emit(e); err != nil {
		return failure{err}
	}
	return nil
}

// sort keeps what is wrong with a log apart from what ends the work.
func (l *logReader) sort(name string, err error) error {
	var fatal failure
	switch {
	case errors.As(err, &fatal):
		return fatal.err
	case l.ctx.Err() != nil:
		return l.ctx.Err()
	case err != nil:
		l.problem(name, err)
	}
	return nil
}
