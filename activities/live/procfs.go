package live

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// shared begins every script: words are printed in base64, so that nothing a process chose, such as a newline in its
// command line, becomes part of the form. A minus stands for nothing.
const shared = `B=/bin/busybox
cd /proc || exit 1
f() { v=$($B base64 -w0); printf ' %s' "${v:--}"; }
printf 'self %s\n' $$
`

// processScript prints one line a process. Its own shell is left out.
const processScript = shared + `printf 'boot'; $B grep '^btime' stat | f; printf '\n'
n=0
for p in [0-9]*; do
  [ "$p" = "$$" ] && continue
  n=$((n+1)); [ $n -gt 1000 ] && { printf 'more\n'; break; }
  printf 'process'
  $B head -c 512 $p/stat 2>/dev/null | f
  $B grep '^Uid' $p/status 2>/dev/null | $B head -c 128 | f
  $B head -c 2048 $p/cmdline 2>/dev/null | f
  $B readlink $p/exe 2>/dev/null | $B head -c 1024 | f
  $B readlink $p/cwd 2>/dev/null | $B head -c 1024 | f
  printf '\n'
done
printf 'end\n'
`

// Process is one process as the kernel shows it.
type Process struct {
	PID     int       `json:"pid" doc:"Its id in the container's process namespace"`
	PPID    int       `json:"ppid" doc:"Its parent's id"`
	UID     int       `json:"uid" doc:"Whom it runs as; -1 when not readable"`
	Name    string    `json:"name" doc:"The name that it gives itself"`
	State   string    `json:"state" doc:"The kernel's letter, such as R or S"`
	Exe     string    `json:"exe" doc:"The program; ends in (deleted) when the file is gone; empty when not readable"`
	Cmdline []string  `json:"cmdline" doc:"The command line, of at most 2 KiB; the process may have written over it"`
	Cwd     string    `json:"cwd" doc:"Its working directory"`
	Start   time.Time `json:"start,omitzero" doc:"When it was started, by the node's clock"`
}

// processList is what is found in one process namespace.
type processList struct {
	Processes []Process `json:"processes"`
	Cut       bool      `json:"cut"` // there are more than were read
}

// parseProcesses reads what processScript prints. The bytes may be an attacker's.
func parseProcesses(text []byte) (processList, error) {
	list, boot, ended := processList{Processes: []Process{}}, time.Time{}, false
	for line := range bytes.Lines(text) {
		word, fields := fieldsOf(line)
		switch {
		case word == "boot" && len(fields) == 1:
			boot = bootTime(fields[0])
		case word == "more":
			list.Cut = true
		case word == "end":
			ended = true
		case word == "process" && len(fields) == 5:
			if p, there := processOf(fields, boot); there { // else it ended while it was read
				list.Processes = append(list.Processes, p)
			}
		case word != "self":
			return processList{}, fmt.Errorf("%w: line %.80q", errTorn, line)
		}
	}
	if !ended {
		return processList{}, fmt.Errorf("%w: the end is missing", errTorn)
	}
	return list, nil
}

// fieldsOf takes a line apart and decodes its fields.
func fieldsOf(line []byte) (word string, fields []string) {
	parts := strings.Fields(string(line))
	if len(parts) == 0 {
		return "", nil
	}
	for _, p := range parts[1:] {
		raw, err := base64.StdEncoding.DecodeString(p)
		if p != "-" && err != nil && parts[0] != "self" {
			return "", nil
		}
		fields = append(fields, string(raw))
	}
	return parts[0], fields
}

func bootTime(btime string) time.Time {
	_, seconds, _ := strings.Cut(strings.TrimSpace(btime), " ")
	n, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil || n < 0 || n > 1<<40 {
		return time.Time{}
	}
	return time.Unix(n, 0).UTC()
}

// tick is the kernel's unit of times in /proc, the same on every Linux that runs containers.
const tick = 10 * time.Millisecond

// processOf reads /proc/PID/stat, of which the name in brackets may hold anything, brackets included.
func processOf(fields []string, boot time.Time) (Process, bool) {
	stat := fields[0]
	open, shut := strings.IndexByte(stat, '('), strings.LastIndexByte(stat, ')')
	if open < 1 || shut < open {
		return Process{}, false
	}
	rest := strings.Fields(stat[shut+1:])
	if len(rest) < 20 {
		return Process{}, false
	}
	p := Process{
		PID: number(strings.TrimSpace(stat[:open])), PPID: number(rest[1]), UID: uidOf(fields[1]), Name: plain(stat[open+1 : shut]), State: rest[0],
		Exe: plain(strings.TrimSuffix(fields[3], "\n")), Cwd: plain(strings.TrimSuffix(fields[4], "\n")), Cmdline: []string{},
	}
	for _, arg := range strings.Split(strings.TrimRight(fields[2], "\x00"), "\x00") {
		p.Cmdline = append(p.Cmdline, plain(arg))
	}
	if ticks := number(rest[19]); ticks >= 0 && !boot.IsZero() {
		p.Start = boot.Add(time.Duration(ticks) * tick)
	}
	return p, true
}

// uidOf reads "Uid: real effective saved file": the effective one says what it may do.
func uidOf(status string) int {
	if words := strings.Fields(status); len(words) == 5 {
		return number(words[2])
	}
	return -1
}

// number is -1 where there is none.
func number(text string) int {
	n, err := strconv.ParseInt(text, 10, 52)
	if err != nil {
		return -1
	}
	return int(n)
}

// plain is text that JSON carries: bytes that are no UTF-8 are shown as such.
func plain(text string) string { return strings.ToValidUTF8(text, "\ufffd") }
