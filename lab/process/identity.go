package process

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// markerName is the environment variable that every child of a group carries.
const markerName = "FIREBREAK_LAB_CHILD"

// ID names one process for good: a pid alone is reused, pid with start time and boot is not.
type ID struct {
	PID   int    `json:"pid"`
	Start uint64 `json:"start"` // clock ticks since boot, field 22 of /proc/PID/stat
	Boot  string `json:"boot"`
}

var errGone = errors.New("no such process")

// identify reads who runs under pid now; a zombie has ended and is nobody.
func identify(pid int) (ID, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ID{}, errGone
	}
	// The second field is the program's name in parentheses and may itself hold spaces and parentheses.
	fields := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:]))
	if len(fields) < 20 {
		return ID{}, fmt.Errorf("read /proc/%d/stat: %d fields", pid, len(fields))
	}
	if state := fields[0]; state == "Z" || state == "X" {
		return ID{}, errGone
	}
	start, err := strconv.ParseUint(fields[19], 10, 64)
	if err != nil {
		return ID{}, fmt.Errorf("read /proc/%d/stat: %w", pid, err)
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ID{}, fmt.Errorf("identify process %d: %w", pid, err)
	}
	return ID{PID: pid, Start: start, Boot: strings.TrimSpace(string(boot))}, nil
}

// alive says whether this very process, not a successor under its pid, still runs.
func (id ID) alive() bool {
	if id.PID == 0 {
		return false
	}
	now, err := identify(id.PID)
	return err == nil && now == id
}

// marked finds the running processes that carry the marker.
func marked(marker string) ([]ID, error) {
	files, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		return nil, err
	}
	var found []ID
	for _, file := range files {
		environ, err := os.ReadFile(file)
		if err != nil || !hasEntry(environ, marker) {
			continue // somebody else's process, or one that just ended
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err != nil {
			continue
		}
		if id, err := identify(pid); err == nil {
			found = append(found, id)
		}
	}
	return found, nil
}

func hasEntry(environ []byte, entry string) bool {
	for _, e := range bytes.Split(environ, []byte{0}) {
		if string(e) == entry {
			return true
		}
	}
	return false
}
