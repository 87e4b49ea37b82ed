package findings

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/firebreak-ir/firebreak/forensics/drift"
)

// hidingRules are of traces that were removed and of what looks like something else.
func hidingRules() []Rule {
	return []Rule{
		{
			ID: "log-deleted", Severity: High, Title: "A log was deleted", Places: anywhere(),
			Why: "Logs are deleted to hide what they say. A log's deletion in a container is seen by the whiteout that overlayfs leaves.",
			match: func(l *look) (string, bool) {
				return yes(l.gone() && (l.Old == nil || l.Old.Type != "dir") && isLog(l.Path))
			},
		},
		{
			ID: "history-deleted", Severity: High, Title: "A shell's history was deleted or made a link", Places: anywhere(),
			Why: "A shell's history that is deleted, or is a link to /dev/null, keeps nothing.",
			match: func(l *look) (string, bool) {
				return yes(isHistory(l.base()) && (l.gone() || l.New != nil && l.New.Type == "link"))
			},
		},
		{
			ID: "history", Severity: Medium, Title: "A shell left its history", Places: anywhere(),
			Why:   "In a container somebody worked by hand: read it.",
			match: func(l *look) (string, bool) { return yes(l.written() && isHistory(l.base())) },
		},
		{
			ID: "deceiving-name", Severity: High, Title: "A name that shows as another was given", Places: anywhere(),
			Why: "Control characters, and those that turn the direction of writing, make a terminal show another name; names of dots and spaces are taken for the directory itself.",
			match: func(l *look) (string, bool) {
				why := deceives(l.base())
				return why, why != "" && l.New != nil && l.Verdict != drift.Mode
			},
		},
		{
			ID: "hidden-program", Severity: High, Title: "A program was hidden by its name", Places: anywhere(),
			Why:   "ls does not list names that begin with a dot; programs have no reason for one.",
			match: func(l *look) (string, bool) { return yes(l.written() && l.elf() && hiddenOnTheWay(l.Path)) },
		},
		{
			ID: "disguised-program", Severity: High, Title: "A program has the name of something else", Places: anywhere(),
			Why:   "A program that ends as a picture, a document or a log does, or has such an ending before its own.",
			match: func(l *look) (string, bool) { return yes(l.written() && disguised(l)) },
		},
		{
			ID: "time-set-back", Severity: Medium, Title: "A file's time was set back", Places: layers(),
			Why: "It was modified, by its own account, before it was there by more than a day, and its time is not the image's: copies and archives keep times, and so do intruders who set them.",
			match: func(l *look) (string, bool) {
				set := l.Verdict == drift.Mode && slices.Contains(l.Differs, "time") && l.New.Modified.Before(l.Old.Modified)
				elf := l.written() && l.Verdict != drift.Renamed && l.elf() && !l.New.Created.IsZero() && l.New.Created.Sub(l.New.Modified).Hours() > 24
				return yes(set || elf)
			},
		},
		{
			ID: "device", Severity: High, Title: "A device of the node was made", Places: anywhere(),
			Why: "Through a device node of a disk, a container with the right to use it reads and writes the node.",
			match: func(l *look) (string, bool) {
				made := l.New != nil && l.New.Type == "device" && (l.Verdict == drift.Added || l.Verdict == drift.Modified)
				return "device " + deviceOf(l), made && !l.whiteout() && !l.under("/dev/")
			},
		},
	}
}

func deviceOf(l *look) string {
	if l.New == nil {
		return ""
	}
	return l.New.Device
}

func isLog(p string) bool {
	return strings.Contains(p, "/log/") || strings.HasPrefix(p, "/log/") || strings.HasSuffix(p, ".log") || oneOf(path.Base(p), []string{"wtmp", "btmp", "utmp", "lastlog", "syslog", "messages", "secure"})
}

func isHistory(base string) bool {
	return strings.HasPrefix(base, ".") && (strings.HasSuffix(base, "_history") || strings.HasSuffix(base, "_hist")) ||
		oneOf(base, []string{".history", ".histfile", ".zhistory", ".lesshst", ".viminfo", "fish_history"})
}

// deceives says how a name shows as another, or nothing.
func deceives(name string) string {
	if strings.Trim(name, ". ") == "" {
		return "it is of dots and spaces alone"
	}
	if strings.HasSuffix(name, " ") || strings.HasPrefix(name, " ") {
		return "it begins or ends with a space"
	}
	for _, r := range name {
		switch {
		case unicode.Is(unicode.Bidi_Control, r):
			return fmt.Sprintf("it turns the direction of writing with %U", r)
		case r < ' ' || r == 0x7F || r >= 0x80 && r < 0xA0:
			return fmt.Sprintf("it has the control character %U", r)
		case r != utf8.RuneError && unicode.Is(unicode.Cf, r):
			return fmt.Sprintf("it has the invisible character %U", r)
		}
	}
	return ""
}

func hiddenOnTheWay(p string) bool {
	for part := range strings.SplitSeq(p, "/") {
		if strings.HasPrefix(part, ".") {
			return true
		}
	}
	return false
}

func disguised(l *look) bool {
	looks := []string{".jpg", ".jpeg", ".png", ".gif", ".ico", ".svg", ".pdf", ".doc", ".docx", ".xls", ".xlsx", ".txt", ".log", ".css", ".html", ".json", ".xml", ".csv", ".mp3", ".mp4", ".woff"}
	runs := []string{".sh", ".py", ".pl", ".elf", ".bin", ".exe", ".so", ".out", ".php", ".js"}
	last := strings.ToLower(path.Ext(l.base()))
	before := strings.ToLower(path.Ext(strings.TrimSuffix(l.base(), path.Ext(l.base()))))
	return l.elf() && oneOf(last, looks) || l.program() && oneOf(last, runs) && oneOf(before, looks)
}
