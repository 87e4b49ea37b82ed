package timeline

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/firebreak-ir/firebreak/forensics/containers"
	"github.com/firebreak-ir/firebreak/forensics/lastwrites"
	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// FileEntry is one entry of a file system as the timeline takes it.
type FileEntry struct {
	Path   string // as Walk gives it
	Stat   volume.Stat
	Target string // where a link leads
	SHA256 string
	Alone  bool // only the file system's journal knew it
	lastwrites.Place
}

// fileTimes are the four times of an entry, in the order of macb.
func fileTimes(s *volume.Stat) [4]time.Time {
	return [4]time.Time{s.Modified, s.Accessed, s.Changed, s.Created}
}

// EachTime gives do an event for each distinct time of an entry, with all the times that fall together. e is used again
// for the next one.
func (f *FileEntry) EachTime(do func(*Event) error) error {
	times := fileTimes(&f.Stat)
	for i, at := range times {
		if at.IsZero() || seen(times[:i], at) {
			continue
		}
		e := f.event(at, times)
		if err := do(&e); err != nil {
			return err
		}
	}
	return nil
}

func seen(times []time.Time, at time.Time) bool {
	for _, t := range times {
		if t.Equal(at) {
			return true
		}
	}
	return false
}

func (f *FileEntry) event(at time.Time, times [4]time.Time) Event {
	macb, which := [4]byte{'.', '.', '.', '.'}, 0
	for i := range times {
		if times[i].Equal(at) {
			macb[i] = "macb"[i]
			which |= 1 << i
		}
	}
	e := Event{
		Time: at, What: timesOf(which), Source: FileSystem, Path: "/" + f.Path, Inode: f.Stat.Inode, SHA256: f.SHA256, MACB: string(macb[:]),
		Holder: f.Container,
	}
	if space, pod, ok := strings.Cut(f.Pod, "/"); ok {
		e.Space, e.Pod = space, pod
	} else {
		e.Pod = f.Pod
	}
	if f.Path == "." {
		e.Path = "/"
	}
	if f.Alone {
		e.Tags = []string{TagJournalOnly}
	}
	e.Message = f.message(e.MACB, e.Path)
	return e
}

// timesOf names those of the four times that fall together, a bit each, in the order of macb.
func timesOf(which int) string {
	const modified, accessed, changed, created = "Content Modification Time", "Last Access Time", "Metadata Change Time", "Creation Time"
	return [16]string{
		"", modified, accessed, modified + ", " + accessed,
		changed, modified + ", " + changed, accessed + ", " + changed, modified + ", " + accessed + ", " + changed,
		created, modified + ", " + created, accessed + ", " + created, modified + ", " + accessed + ", " + created,
		changed + ", " + created, modified + ", " + changed + ", " + created, accessed + ", " + changed + ", " + created,
		modified + ", " + accessed + ", " + changed + ", " + created,
	}[which]
}

func (f *FileEntry) message(macb, path string) string {
	s := &f.Stat
	var room [512]byte
	text := append(room[:0], macb...)
	text = append(text, ' ')
	text = append(text, path...)
	if s.Mode&volume.TypeMask == volume.TypeLink {
		text = append(text, " -> "...)
		text = append(text, f.Target...)
	}
	text = append(text, " ("...)
	text = appendMode(text, s.Mode)
	text = append(text, ", "...)
	text = strconv.AppendUint(text, uint64(s.UID), 10)
	text = append(text, ':')
	text = strconv.AppendUint(text, uint64(s.GID), 10)
	text = append(text, ", "...)
	text = strconv.AppendInt(text, s.Size, 10)
	return string(append(text, " bytes)"...))
}

// ContainerEvents are the times that a runtime keeps of a container.
func ContainerEvents(c containers.Container) []Event {
	var out []Event
	name := c.Name
	if name == "" {
		name = c.ID
	}
	for _, t := range []struct {
		at   time.Time
		what string
		verb string
	}{
		{c.Created, "Container Creation Time", "created"},
		{c.Started, "Container Start Time", "started"},
		{c.Finished, "Container End Time", "ended"},
	} {
		if t.at.IsZero() {
			continue
		}
		text := fmt.Sprintf("container %q of image %q was %s", name, c.Image, t.verb)
		if t.verb == "ended" {
			text = fmt.Sprintf("container %q of image %q ended", name, c.Image)
			if c.ExitCode != nil {
				text += fmt.Sprintf(" with exit code %d", *c.ExitCode)
			}
		}
		out = append(out, Event{
			Time: t.at, What: t.what, Message: text, Source: Container, File: "/" + c.Source,
			Holder: c.Name, HolderID: c.ID, Pod: c.Pod, Space: c.PodNamespace,
		})
	}
	return out
}

// Action is something that the responder did, as the case's record has it.
type Action struct {
	Time time.Time
	What string
	Who  string
	Step string // of the playbook
}

// Event is the action in the timeline, marked as the responder's.
func (a Action) Event() Event {
	text := "responder: " + a.What
	if a.Step != "" {
		text += fmt.Sprintf(" (step %q)", a.Step)
	}
	if a.Who != "" {
		text += fmt.Sprintf(" by %q", a.Who)
	}
	return Event{Time: a.Time, What: "Response Action Time", Message: text, Source: Responder, Tags: []string{TagResponder}}
}
