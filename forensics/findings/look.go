package findings

import (
	"bytes"
	"debug/elf"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/firebreak-ir/firebreak/forensics/drift"
)

// look is a subject as the rules see it.
type look struct {
	*Subject
	head   []byte   // first bytes of the new file
	miners []string // of its content: what the search for miners found
}

// written tells files whose content is new.
func (l *look) written() bool {
	return l.New != nil && l.New.Type == "file" && (l.Verdict == drift.Added || l.Verdict == drift.Modified || l.Verdict == drift.Renamed || l.Verdict == drift.Unread)
}

// put tells everything that is new under its name, links and devices too.
func (l *look) put() bool {
	return l.New != nil && !l.whiteout() && l.New.Type != "dir" && (l.written() || l.Verdict == drift.Added || l.Verdict == drift.Modified)
}

func (l *look) gone() bool {
	return l.Verdict == drift.Deleted || l.Verdict == drift.Hidden || l.whiteout()
}

// whiteout tells what deletes a name in a layer that is held against no image.
func (l *look) whiteout() bool {
	return l.Place == Orphan && l.New != nil && l.New.Type == "device" && l.New.Device == "0:0"
}

func (l *look) base() string { return path.Base(l.Path) }

func (l *look) under(dirs ...string) bool {
	return slices.ContainsFunc(dirs, func(dir string) bool { return strings.HasPrefix(l.Path, dir) })
}

func (l *look) is(paths ...string) bool { return slices.Contains(paths, l.Path) }

func (l *look) elf() bool { return bytes.HasPrefix(l.head, []byte(elf.ELFMAG)) }

func (l *look) script() bool { return bytes.HasPrefix(l.head, []byte("#!")) }

// program tells what can be run: by its bytes or its mode.
func (l *look) program() bool {
	return l.New != nil && l.New.Type == "file" && (l.elf() || l.script() || bits(l.New)&0o111 != 0)
}

func bits(s *drift.State) uint64 {
	if s == nil {
		return 0
	}
	n, _ := strconv.ParseUint(s.Mode, 8, 32) // it was written by this library
	return n
}

// gained gives the bits of the mode that the file has now and had not before.
func (l *look) gained() uint64 {
	if l.written() && l.Verdict != drift.Renamed {
		return bits(l.New)
	}
	return bits(l.New) &^ bits(l.Old)
}

// yes is the answer of rules that need no detail.
func yes(b bool) (string, bool) { return "", b }
